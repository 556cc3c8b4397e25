//! The tables, as both migration folders make them.

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// What this ledger is: the run mode it belongs to and its tag in client order ids.
    meta (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Who may trade. One row, made here, so that it can always be locked.
    leases (id) {
        id -> BigInt,
        holder -> Text,
        epoch -> BigInt,
        expires_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// One row a hedge, as it now stands; its history is in audit_log.
    hedges (id) {
        id -> BigInt,
        kind -> Text,
        asset -> Text,
        long_venue -> Text,
        long_product -> Text,
        long_symbol -> Text,
        short_venue -> Text,
        short_product -> Text,
        short_symbol -> Text,
        target -> Dec,
        state -> Text,
        leg -> Nullable<Text>,
        missing -> Nullable<Dec>,
        planned_at -> Instant,
        opened_at -> Nullable<Instant>,
        closed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Why orders were sent. `replay` names a record by its content.
    intents (id) {
        id -> BigInt,
        replay -> Text,
        hedge -> BigInt,
        reason -> Text,
        inputs -> Document,
        epoch -> BigInt,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// One row an order, as it now stands; a limit price that is absent means at market.
    orders (id) {
        id -> BigInt,
        client_id -> Text,
        intent -> Nullable<BigInt>,
        hedge -> BigInt,
        leg -> Text,
        purpose -> Text,
        venue -> Text,
        product -> Text,
        symbol -> Text,
        side -> Text,
        kind -> Text,
        limit_price -> Nullable<Dec>,
        quantity -> Dec,
        state -> Text,
        filled -> Dec,
        venue_order_id -> Nullable<Text>,
        recorded_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Every move of every order.
    order_events (id) {
        id -> BigInt,
        replay -> Text,
        client_id -> Text,
        state -> Text,
        filled -> Dec,
        venue_order_id -> Nullable<Text>,
        cause -> Text,
        epoch -> BigInt,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Executions, each once.
    fills (id) {
        id -> BigInt,
        venue -> Text,
        product -> Text,
        symbol -> Text,
        trade_id -> Text,
        client_id -> Text,
        venue_order_id -> Text,
        side -> Text,
        quantity -> Dec,
        price -> Dec,
        fee -> Dec,
        fee_asset -> Text,
        is_maker -> Bool,
        realised -> Nullable<Dec>,
        is_foreign -> Bool,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Funding received and paid, each row once.
    funding_payments (id) {
        id -> BigInt,
        venue -> Text,
        product -> Text,
        symbol -> Text,
        payment_id -> Text,
        amount -> Dec,
        rate -> Nullable<Dec>,
        settled_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// What wallets held before the first row about them.
    openings (id) {
        id -> BigInt,
        venue -> Text,
        wallet -> Text,
        asset -> Text,
        total -> Dec,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Reconciled pictures: positions and orders.
    state_snapshots (id) {
        id -> BigInt,
        replay -> Text,
        state -> Document,
        epoch -> BigInt,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Reconciled pictures: wallets.
    balances_snapshots (id) {
        id -> BigInt,
        snapshot -> BigInt,
        venue -> Text,
        wallet -> Text,
        asset -> Text,
        total -> Dec,
        free -> Dec,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// What happened, append-only; each hash covers its row and the hash before it.
    audit_log (id) {
        id -> BigInt,
        replay -> Text,
        at -> Instant,
        epoch -> BigInt,
        actor -> Text,
        action -> Text,
        who -> Text,
        detail -> Text,
        hash -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Rates as predicted and as settled.
    funding_rates (id) {
        id -> BigInt,
        venue -> Text,
        product -> Text,
        symbol -> Text,
        settlement -> Instant,
        rate -> Dec,
        settled -> Bool,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// What was judged, also where nothing was done.
    decisions (id) {
        id -> BigInt,
        replay -> Text,
        subject -> Text,
        verdict -> Text,
        numbers -> Document,
        epoch -> BigInt,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// Why entries are stopped now; the history is in audit_log.
    pauses (reason) {
        reason -> Text,
        words -> Text,
        requested_by -> Text,
        since -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::columns::sql::*;

    /// What people are to be told.
    alert_outbox (id) {
        id -> BigInt,
        replay -> Text,
        name -> Text,
        alert_key -> Text,
        body -> Text,
        at -> Instant,
        delivered_at -> Nullable<Instant>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(orders, hedges);
