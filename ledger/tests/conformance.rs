//! One ledger, two databases: every case runs on SQLite in a file and in memory, and on a PostgreSQL of its own.

#![allow(missing_docs, clippy::doc_markdown, reason = "tests; SQLite is a name, not code")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![allow(
    clippy::wildcard_imports,
    clippy::format_push_string,
    reason = "the values of a test room"
)]
#![allow(
    clippy::items_after_statements,
    clippy::large_futures,
    reason = "a test reads from top to bottom"
)]

mod cases;
mod support;

use support::Place;

/// Runs a case wherever a ledger can be.
macro_rules! everywhere {
    ($($module:ident :: $case:ident),* $(,)?) => {
        mod sqlite_memory { $(#[tokio::test] async fn $case() { crate::cases::$module::$case(crate::Place::memory()).await; })* }
        mod sqlite_file { $(#[tokio::test] async fn $case() { crate::cases::$module::$case(crate::Place::file()).await; })* }
        mod postgres { $(#[tokio::test] async fn $case() { crate::cases::$module::$case(crate::Place::postgres().await).await; })* }
    };
}

/// Runs a case wherever a ledger outlives its process.
macro_rules! where_it_lasts {
    ($($module:ident :: $case:ident),* $(,)?) => {
        mod lasting_file { $(#[tokio::test] async fn $case() { crate::cases::$module::$case(crate::Place::file()).await; })* }
        mod lasting_postgres { $(#[tokio::test] async fn $case() { crate::cases::$module::$case(crate::Place::postgres().await).await; })* }
    };
}

everywhere!(
    batches::each_record_twice_changes_nothing,
    batches::an_old_batch_again_takes_nothing_back,
    batches::a_batch_is_whole_or_not_at_all,
    batches::f046_an_id_names_one_order_for_ever,
    batches::load_returns_what_was_written,
    batches::every_kind_survives_its_row,
    batches::a_resting_order_is_loaded_after_its_hedge_closed,
    batches::every_state_survives_its_row,
    batches::f102_decimals_keep_every_digit,
    batches::f036_fills_that_came_early_become_ours,
    batches::random_batches_agree_with_a_naive_model,
    leases::a_lease_is_claimed_waited_for_and_taken_over,
    leases::f104_an_older_epoch_is_fenced_off,
    lists::the_outbox_takes_three_of_a_kind_in_an_hour,
    lists::pages_are_newest_first_and_follow_their_cursor,
    lists::rows_that_contradict_each_other_are_named,
    evidence::a_hedge_is_explained_to_the_last_digit_or_said_not_to_be,
    evidence::a_profit_that_no_trade_explains_is_a_residual,
    evidence::an_execution_that_is_missing_is_a_residual,
    evidence::tables_are_exported_whole_with_every_digit,
    evidence::wallets_must_add_up_to_what_the_venues_stated,
    spool::what_waited_is_written_once_in_a_later_epoch,
    spool::the_file_takes_no_other_record,
    spool::a_hedge_that_a_later_leader_moved_is_not_moved_back,
);

/// What only a file can show.
mod lasting_file_only {
    #[tokio::test]
    async fn the_file_is_ours_alone_bounded_and_survives_a_torn_line() {
        crate::cases::spool::the_file_is_ours_alone_bounded_and_survives_a_torn_line(crate::Place::file()).await;
    }

    #[tokio::test]
    async fn a_term_prolonged_beside_the_file_is_waited_for() {
        crate::cases::spool::a_term_prolonged_beside_the_file_is_waited_for(crate::Place::file()).await;
    }

    #[tokio::test]
    async fn a_holder_that_is_gone_is_followed_at_once_and_no_other() {
        crate::cases::leases::a_holder_that_is_gone_is_followed_at_once_and_no_other(crate::Place::file()).await;
    }
}

/// What only a server can show.
mod postgres_only {
    #[tokio::test]
    async fn without_a_lock_only_the_owners_word_prolongs_a_term() {
        let place = crate::Place::postgres().await;
        crate::cases::spool::without_a_lock_only_the_owners_word_prolongs_a_term(place).await;
    }
}

where_it_lasts!(
    lasting::what_was_written_is_there_after_a_restart,
    lasting::two_writers_count_each_fill_once,
    lasting::f103_two_claimants_never_share_an_epoch,
    lasting::one_flipped_byte_breaks_the_audit_chain,
    lasting::the_audit_log_only_grows,
    lasting::f093_a_newer_schema_is_refused,
    lasting::another_mode_is_refused,
);
