-- What this ledger is: the run mode it belongs to and its tag in client order ids.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Who may trade. One row, made here, so that it can always be locked.
CREATE TABLE leases (
    id INTEGER NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK (id = 1)
) STRICT;

-- One row a hedge, as it now stands; its history is in audit_log.
CREATE TABLE hedges (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    asset TEXT NOT NULL,
    long_venue TEXT NOT NULL,
    long_product TEXT NOT NULL,
    long_symbol TEXT NOT NULL,
    short_venue TEXT NOT NULL,
    short_product TEXT NOT NULL,
    short_symbol TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    leg TEXT,
    missing TEXT,
    planned_at INTEGER NOT NULL,
    opened_at INTEGER,
    closed_at INTEGER
) STRICT;

-- Why orders were sent. `replay` names a record by its content.
CREATE TABLE intents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    replay TEXT NOT NULL UNIQUE,
    hedge INTEGER NOT NULL,
    reason TEXT NOT NULL,
    inputs TEXT NOT NULL CHECK (json_valid(inputs)),
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- One row an order, as it now stands; a limit price that is absent means at market.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL UNIQUE,
    intent INTEGER,
    hedge INTEGER NOT NULL,
    leg TEXT NOT NULL,
    purpose TEXT NOT NULL,
    venue TEXT NOT NULL,
    product TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    limit_price TEXT,
    quantity TEXT NOT NULL,
    state TEXT NOT NULL,
    filled TEXT NOT NULL,
    venue_order_id TEXT,
    recorded_at INTEGER NOT NULL
) STRICT;

-- Every move of every order.
CREATE TABLE order_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    replay TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    state TEXT NOT NULL,
    filled TEXT NOT NULL,
    venue_order_id TEXT,
    cause TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Executions, each once.
CREATE TABLE fills (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    venue TEXT NOT NULL,
    product TEXT NOT NULL,
    symbol TEXT NOT NULL,
    trade_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    venue_order_id TEXT NOT NULL,
    side TEXT NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    fee_asset TEXT NOT NULL,
    is_maker INTEGER NOT NULL CHECK (is_maker IN (0, 1)),
    realised TEXT,
    is_foreign INTEGER NOT NULL CHECK (is_foreign IN (0, 1)),
    at INTEGER NOT NULL,
    UNIQUE (venue, product, symbol, trade_id)
) STRICT;

-- Funding received and paid, each row once.
CREATE TABLE funding_payments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    venue TEXT NOT NULL,
    product TEXT NOT NULL,
    symbol TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    amount TEXT NOT NULL,
    rate TEXT,
    settled_at INTEGER NOT NULL,
    UNIQUE (venue, product, symbol, payment_id)
) STRICT;

-- What wallets held before the first row about them.
CREATE TABLE openings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    venue TEXT NOT NULL,
    wallet TEXT NOT NULL,
    asset TEXT NOT NULL,
    total TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (venue, wallet, asset)
) STRICT;

-- Reconciled pictures: positions and orders.
CREATE TABLE state_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    replay TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (json_valid(state)),
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Reconciled pictures: wallets.
CREATE TABLE balances_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    snapshot INTEGER NOT NULL,
    venue TEXT NOT NULL,
    wallet TEXT NOT NULL,
    asset TEXT NOT NULL,
    total TEXT NOT NULL,
    free TEXT NOT NULL,
    UNIQUE (snapshot, venue, wallet, asset)
) STRICT;

-- What happened, append-only; each hash covers its row and the hash before it.
CREATE TABLE audit_log (
    id INTEGER NOT NULL PRIMARY KEY,
    replay TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    who TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- Rates as predicted and as settled.
CREATE TABLE funding_rates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    venue TEXT NOT NULL,
    product TEXT NOT NULL,
    symbol TEXT NOT NULL,
    settlement INTEGER NOT NULL,
    rate TEXT NOT NULL,
    settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
    at INTEGER NOT NULL,
    UNIQUE (venue, product, symbol, settlement, settled, at)
) STRICT;

-- What was judged, also where nothing was done.
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    replay TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    verdict TEXT NOT NULL,
    numbers TEXT NOT NULL CHECK (json_valid(numbers)),
    epoch INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Why entries are stopped now; the history is in audit_log.
CREATE TABLE pauses (
    reason TEXT NOT NULL PRIMARY KEY,
    words TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;

-- What people are to be told.
CREATE TABLE alert_outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    replay TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    alert_key TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    delivered_at INTEGER
) STRICT;

CREATE INDEX orders_by_state ON orders (state);
CREATE INDEX orders_by_hedge ON orders (hedge);
CREATE INDEX orders_by_venue_order ON orders (venue, product, symbol, venue_order_id);
CREATE INDEX hedges_by_state ON hedges (state);
CREATE INDEX intents_by_hedge ON intents (hedge);
CREATE INDEX fills_by_order ON fills (client_id);
CREATE INDEX fills_by_venue_order ON fills (venue, product, symbol, venue_order_id);
CREATE INDEX alert_outbox_by_key ON alert_outbox (alert_key, at);
CREATE INDEX alert_outbox_waiting ON alert_outbox (id) WHERE delivered_at IS NULL;

INSERT INTO leases (id, holder, epoch, expires_at) VALUES (1, '', 0, 0);

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;

CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
