use super::*;
use crate::accounting::{CashAccount, Opening};
use crate::alert::AlertName;
use crate::fixtures::{dec, fill, perp, spot};
use crate::hedge::HedgeKind;
use crate::instrument::Side;
use crate::money::{AssetQuantity, Bps, Quantity};
use crate::order::{Ending, Fill, LegIndex, OrderKind};
use crate::position::{AccountTruth, Balance, Margin, Position, Wallet};
use crate::risk::Gate;
use crate::strategy::{Listing, Opportunity, Pair};
use crate::time::HOUR_MS;

const NOW: Machine = Machine(Duration::from_secs(100));
const OPENED: Timestamp = Timestamp(1_000);

fn long() -> Instrument {
    spot(VenueId::Binance, "BTCUSDT")
}

fn short() -> Instrument {
    perp(VenueId::Bybit, "BTCUSDT")
}

fn fees() -> FeeRates {
    FeeRates {
        maker: Rate::ZERO,
        taker: Rate(dec("0.001")),
    }
}

fn listed() -> BTreeMap<InstrumentId, (Instrument, FeeRates)> {
    [long(), short()].map(|one| (one.id.clone(), (one, fees()))).into()
}

/// A portfolio of the ledger `test`, whose wallets were first read at [`OPENED`].
fn portfolio() -> Portfolio {
    let opening = |venue, wallet| Opening {
        account: CashAccount {
            venue,
            wallet,
            asset: "USDT".into(),
        },
        total: dec("1000"),
        at: OPENED,
    };
    let state = LedgerState {
        tag: "test".to_owned(),
        openings: vec![
            opening(VenueId::Binance, Wallet::Spot),
            opening(VenueId::Bybit, Wallet::Unified),
        ],
        ..LedgerState::default()
    };
    let mut portfolio = Portfolio::default();
    assert_eq!(portfolio.restore(state, listed(), NOW), []);
    portfolio
}

/// Plans a hedge of two coins at 100.
fn plan(portfolio: &mut Portfolio) -> HedgeId {
    let entry = Entry {
        opportunity: Opportunity {
            asset: "BTC".into(),
            kind: HedgeKind::CashAndCarry,
            pair: Pair {
                long: long().id,
                short: short().id,
            },
            outlook: None,
            refused: None,
        },
        target: AssetQuantity(dec("2")),
        notional: Usd(dec("200")),
        long: Listing::silent(long(), fees()),
        short: Listing::silent(short(), fees()),
        lot: AssetQuantity(dec("0.001")),
    };
    portfolio.plan(entry, Timestamp(2_000)).unwrap().id
}

/// Records an order of a hedge and answers its name.
fn order(portfolio: &mut Portfolio, hedge: HedgeId, leg: LegIndex, purpose: Purpose, number: u32) -> ClientOrderId {
    let client_id = ClientOrderId::from_text(&format!("fatest-1-1-{number}"));
    let ticket = OrderTicket {
        client_id: client_id.clone(),
        hedge,
        leg,
        purpose,
        instrument: portfolio.hedge(hedge).unwrap().leg(leg).instrument.id.clone(),
        side: leg.entry_side(),
        kind: OrderKind::Market,
        quantity: Quantity(dec("2")),
    };
    portfolio.order_recorded(ticket, Timestamp(2_000));
    client_id
}

fn executed(instrument: &Instrument, side: Side, quantity: &str, price: &str, client_id: &ClientOrderId) -> Fill {
    Fill {
        client_id: client_id.clone(),
        at: Timestamp(3_000),
        ..fill(&instrument.id, side, quantity, price)
    }
}

/// A hedge with both legs filled.
fn open(portfolio: &mut Portfolio) -> HedgeId {
    let id = plan(portfolio);
    let (first, second) = (
        order(portfolio, id, LegIndex::Short, Purpose::Open, 1),
        order(portfolio, id, LegIndex::Long, Purpose::Open, 2),
    );
    portfolio.believe_fill(&executed(&short(), Side::Sell, "2", "101", &first), NOW);
    portfolio.believe_fill(&executed(&long(), Side::Buy, "2", "100", &second), NOW);
    rest(portfolio, id, HedgeState::Open);
    id
}

fn rest(portfolio: &mut Portfolio, id: HedgeId, state: HedgeState) {
    let mut hedge = portfolio.hedge(id).unwrap().clone();
    hedge.state = state;
    match state {
        HedgeState::Open => hedge.opened_at = Some(Timestamp(4_000)),
        HedgeState::Closed => hedge.closed_at = Some(Timestamp(9_000)),
        _ => {}
    }
    portfolio.hedge_moved(&hedge.row());
}

fn payment(id: &str, settled_at: Timestamp) -> FundingPayment {
    FundingPayment {
        instrument: short().id,
        id: id.to_owned(),
        amount: Usd(dec("0.5")),
        rate: None,
        settled_at,
    }
}

#[test]
fn po1_a_row_counts_once_whichever_road_it_came_by() {
    let mut portfolio = portfolio();
    let id = open(&mut portfolio);
    let again = executed(
        &long(),
        Side::Buy,
        "2",
        "100",
        &ClientOrderId::from_text("fatest-1-1-2"),
    );
    assert_eq!(portfolio.believe_fill(&again, NOW), Seen::Again);
    assert_eq!(portfolio.unseen_fills(vec![again]), []);
    for _ in 0..2 {
        portfolio.believe_funding(&payment("a", Timestamp(5_000)));
    }
    assert_eq!(portfolio.unseen_payments(vec![payment("a", Timestamp(5_000))]), []);
    assert_eq!(portfolio.rows_believed(), (2, 1));
    assert_eq!(portfolio.hedge(id).unwrap().long.held, AssetQuantity(dec("2")));
    let tracked = portfolio.hedges().next().unwrap();
    assert_eq!(tracked.result.funding, Usd(dec("0.5")));
    assert_eq!(tracked.average_entry(LegIndex::Short), Some(Price(dec("101"))));
}

#[test]
fn po2_a_hedge_counts_in_full_from_its_plan_and_by_what_it_holds_when_it_is_left() {
    let mut portfolio = portfolio();
    let id = plan(&mut portfolio);
    assert_eq!(portfolio.exposure().at(VenueId::Binance), Usd(dec("200")));
    let first = order(&mut portfolio, id, LegIndex::Short, Purpose::Open, 1);
    portfolio.believe_fill(&executed(&short(), Side::Sell, "0.5", "100", &first), NOW);
    assert_eq!(portfolio.exposure().total(), Usd(dec("400")), "an unproven rest counts");
    rest(&mut portfolio, id, HedgeState::Closing(LegIndex::Short));
    assert_eq!(portfolio.exposure().total(), Usd(dec("50")));
}

#[test]
fn po2_what_an_earlier_life_ordered_counts_before_anything_is_known_of_it() {
    let mut before = portfolio();
    let id = plan(&mut before);
    let first = order(&mut before, id, LegIndex::Short, Purpose::Open, 1);
    let mut unproven = before
        .orders()
        .find(|row| row.ticket.client_id == first)
        .unwrap()
        .clone();
    let limit = Price(dec("99"));
    (unproven.ticket.kind, unproven.state) = (OrderKind::ImmediateOrCancel { limit }, OrderState::Unknown);
    let state = LedgerState {
        tag: "test".to_owned(),
        hedges: vec![before.hedge(id).unwrap().row()],
        orders: vec![unproven],
        ..LedgerState::default()
    };
    let mut after = Portfolio::default();
    after.restore(state, listed(), NOW);
    assert_eq!(after.exposure().total(), Usd(dec("396")));
    assert_eq!(after.barred().get(&"BTC".into()), Some(&Gate::AlreadyHedged));
}

#[test]
fn po3_rows_from_before_the_first_reading_are_part_of_it() {
    let portfolio = portfolio();
    let ours = ClientOrderId::from_text("fatest-1-1-1");
    let mut early = executed(&long(), Side::Buy, "1", "100", &ours);
    early.at = OPENED;
    assert_eq!(portfolio.unseen_fills(vec![early]), []);
    assert_eq!(portfolio.unseen_payments(vec![payment("a", OPENED)]), []);
    assert_eq!(portfolio.unseen_payments(vec![payment("a", Timestamp(1_001))]).len(), 1);
}

#[test]
fn a_wallet_is_opened_by_its_first_reading_only() {
    let mut portfolio = portfolio();
    let balance = |wallet| Balance {
        venue: VenueId::Binance,
        wallet,
        asset: "USDT".into(),
        total: dec("5"),
        free: dec("5"),
    };
    let truth = AccountTruth {
        venue: VenueId::Binance,
        balances: vec![balance(Wallet::Spot), balance(Wallet::Futures)],
        positions: Vec::new(),
        open_orders: Vec::new(),
        fills: Vec::new(),
        funding: Vec::new(),
        margin: None,
        read_at: Timestamp(8_000),
    };
    assert_eq!(
        portfolio.unseen_openings(&truth),
        [],
        "this venue's wallets have been read"
    );
    let mut new = Portfolio::default();
    let openings = new.unseen_openings(&truth);
    assert_eq!(openings.len(), 2);
    for opening in openings.iter().chain(&openings) {
        new.believe_opening(opening);
    }
    assert_eq!(new.books().cash_in(&openings[0].account), Some(dec("5")));
    assert!(new.compare(&truth).is_empty());
    assert_eq!(new.rows_since(VenueId::Binance, Timestamp(9_000)), Timestamp(8_000));
    portfolio.believe_opening(&openings[0]);
    assert_eq!(portfolio.books().cash_in(&openings[0].account), Some(dec("1000")));
}

#[test]
fn an_execution_without_our_name_is_known_by_the_venues_name_for_the_order() {
    let mut portfolio = portfolio();
    let id = plan(&mut portfolio);
    let ours = order(&mut portfolio, id, LegIndex::Long, Purpose::Open, 1);
    let nameless = executed(&long(), Side::Buy, "2", "100", &ClientOrderId::from_text(""));
    assert_eq!(
        portfolio.unseen_fills(vec![nameless.clone()]),
        [],
        "it may be the live order's"
    );
    portfolio.order_moved(&ours, OrderState::Unknown, Some("1".to_owned()));
    assert_eq!(portfolio.unseen_fills(vec![nameless.clone()])[0].client_id, ours);
    let done = OrderState::Done {
        how: Ending::Cancelled,
        filled: Quantity::ZERO,
    };
    portfolio.order_moved(&ours, done, Some("2".to_owned()));
    assert_eq!(portfolio.unseen_fills(vec![nameless.clone()]), [nameless], "a person's");
}

#[test]
fn a_foreign_execution_shrinks_the_leg_that_it_reduced_and_leaves_the_hedge_one_legged() {
    let mut portfolio = portfolio();
    let id = open(&mut portfolio);
    let nobody = ClientOrderId::from_text("autoclose-77");
    let liquidated = executed(&short(), Side::Buy, "0.75", "120", &nobody);
    assert_eq!(portfolio.believe_fill(&liquidated, NOW), Seen::Foreign);
    assert_eq!(portfolio.hedge(id).unwrap().short.held, AssetQuantity(dec("1.25")));
    let missing = AssetQuantity(dec("0.75"));
    let filled = LegIndex::Long;
    let state = portfolio.hedges().next().unwrap().apparent_state();
    assert_eq!(state, HedgeState::OneLegged { filled, missing });
    let added = executed(&short(), Side::Sell, "0.1", "120", &nobody);
    assert_eq!(portfolio.believe_fill(&added, NOW), Seen::Foreign);
    assert_eq!(
        portfolio.hedge(id).unwrap().short.held,
        AssetQuantity(dec("1.25")),
        "what adds is not ours"
    );
}

#[test]
fn of_a_foreign_execution_that_turns_a_leg_round_the_hedge_takes_what_it_held() {
    let mut portfolio = portfolio();
    let id = open(&mut portfolio);
    let nobody = ClientOrderId::from_text("by-hand");
    let turned = executed(&short(), Side::Buy, "5", "120", &nobody);
    assert_eq!(portfolio.believe_fill(&turned, NOW), Seen::Foreign);
    assert_eq!(
        portfolio.hedge(id).unwrap().short.held,
        AssetQuantity::ZERO,
        "never less than nothing"
    );
    let state = portfolio.hedges().next().unwrap().apparent_state();
    let (filled, missing) = (LegIndex::Long, AssetQuantity(dec("2")));
    assert_eq!(state, HedgeState::OneLegged { filled, missing });
    let mut again = executed(&short(), Side::Buy, "1", "120", &nobody);
    again.trade_id = "another".into();
    assert_eq!(portfolio.believe_fill(&again, NOW), Seen::Foreign);
    assert_eq!(portfolio.hedge(id).unwrap().short.held, AssetQuantity::ZERO);
}

#[test]
fn po4_what_a_stranger_holds_is_his_own_to_move_and_nothing_is_entered_beside_it() {
    let mut portfolio = portfolio();
    let id = open(&mut portfolio);
    let nobody = ClientOrderId::from_text("by-hand");
    let mut trades = 0;
    let mut trade = |portfolio: &mut Portfolio, side, quantity: &str| {
        trades += 1;
        let mut fill = executed(&short(), side, quantity, "120", &nobody);
        fill.trade_id = format!("his-{trades}");
        portfolio.believe_fill(&fill, NOW);
        let held = portfolio.hedge(id).unwrap().short.held.0;
        let foreign: Vec<_> = portfolio.foreign_positions_at(short().id.venue);
        (held, foreign.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let name = short().id;
    let (held, foreign) = trade(&mut portfolio, Side::Sell, "3");
    assert_eq!(held, dec("2"));
    assert_eq!(foreign, [format!("{name}: the account holds -5, hedges -2 of it")]);
    // He takes back his own first, and only then what is ours.
    assert_eq!(trade(&mut portfolio, Side::Buy, "3"), (dec("2"), Vec::new()));
    trade(&mut portfolio, Side::Sell, "1");
    assert_eq!(trade(&mut portfolio, Side::Buy, "1.5"), (dec("1.5"), Vec::new()));
    // Beyond what we held it is his position, on the other side.
    let (held, foreign) = trade(&mut portfolio, Side::Buy, "4");
    assert_eq!((held, foreign.len()), (dec("0"), 1));
    rest(&mut portfolio, id, HedgeState::Closed);
    let barred = portfolio.barred();
    assert_eq!(barred.len(), 1);
    assert!(
        barred.values().all(|gate| matches!(gate, Gate::Uncertain(_))),
        "{barred:?}"
    );
}

#[test]
fn a_closed_hedge_is_told_with_its_result_and_its_loss_counts_until_midnight() {
    let mut portfolio = portfolio();
    let id = open(&mut portfolio);
    let (first, second) = (
        order(&mut portfolio, id, LegIndex::Short, Purpose::Close, 3),
        order(&mut portfolio, id, LegIndex::Long, Purpose::Close, 4),
    );
    portfolio.believe_fill(&executed(&short(), Side::Buy, "2", "130", &first), NOW);
    portfolio.believe_fill(&executed(&long(), Side::Sell, "2", "110", &second), NOW);
    let row = HedgeRow {
        state: HedgeState::Closed,
        ..portfolio.hedge(id).unwrap().row()
    };
    let news = portfolio.news(&row, "the carry is gone").unwrap();
    assert_eq!(news.name, AlertName::HedgeClosed);
    assert!(news.text.contains("net -38 USD"), "{}", news.text);
    rest(&mut portfolio, id, HedgeState::Closed);
    assert_eq!(portfolio.losses(Timestamp(10_000)).today, Usd(dec("38")));
    assert_eq!(portfolio.losses(Timestamp(10_000 + 24 * HOUR_MS)).today, Usd::ZERO);
    // A row that settled while it was open still finds it.
    portfolio.believe_funding(&payment("late", Timestamp(8_000)));
    assert_eq!(portfolio.closed()[0].result.funding, Usd(dec("0.5")));
    assert_eq!(
        (portfolio.hedges().len(), portfolio.orders().len()),
        (0, 4),
        "live orders are kept"
    );
}

#[test]
fn naked_time_is_measured_from_the_first_look_at_unequal_legs_to_the_last() {
    let mut portfolio = portfolio();
    let id = plan(&mut portfolio);
    let first = order(&mut portfolio, id, LegIndex::Short, Purpose::Open, 1);
    portfolio.believe_fill(&executed(&short(), Side::Sell, "2", "101", &first), NOW);
    portfolio.watch_deltas(NOW.plus(Duration::from_secs(3)));
    let second = order(&mut portfolio, id, LegIndex::Long, Purpose::Open, 2);
    let at = NOW.plus(Duration::from_secs(4));
    portfolio.believe_fill(&executed(&long(), Side::Buy, "2", "100", &second), at);
    portfolio.watch_deltas(at.plus(Duration::from_mins(1)));
    assert_eq!(portfolio.longest_naked(), Duration::from_secs(4));
}

#[test]
fn f068_a_hedge_of_a_delisted_instrument_is_named_and_the_others_are_restored() {
    let mut before = portfolio();
    let first = open(&mut before);
    let row = before.hedge(first).unwrap().row();
    let mut gone = row.clone();
    (gone.id, gone.short.symbol) = (HedgeId(9), "LUNAUSDT".into());
    let state = LedgerState {
        tag: "test".to_owned(),
        hedges: vec![row, gone],
        last_hedge: 9,
        ..LedgerState::default()
    };
    let mut after = Portfolio::default();
    assert_eq!(after.restore(state, listed(), NOW), [HedgeId(9)]);
    assert_eq!(
        after.hedges().map(|tracked| tracked.hedge.id).collect::<Vec<_>>(),
        [first]
    );
    assert_eq!(plan(&mut after), HedgeId(10));
}

#[test]
fn what_an_earlier_life_has_lost_counts_in_the_next_one() {
    let mut before = portfolio();
    let id = open(&mut before);
    let (first, second) = (
        order(&mut before, id, LegIndex::Short, Purpose::Close, 3),
        order(&mut before, id, LegIndex::Long, Purpose::Close, 4),
    );
    let bought = executed(&short(), Side::Buy, "2", "130", &first);
    let sold = executed(&long(), Side::Sell, "2", "110", &second);
    before.believe_fill(&bought, NOW);
    before.believe_fill(&sold, NOW);
    let row = HedgeRow {
        state: HedgeState::Closed,
        closed_at: Some(Timestamp(9_500)),
        ..before.hedge(id).unwrap().row()
    };
    let orders: Vec<_> = before.orders().map(|row| row.ticket.client_id.clone()).collect();
    rest(&mut before, id, HedgeState::Closed);
    let lost = before.losses(Timestamp(10_000));
    assert_eq!(lost.today, Usd(dec("38")));
    let entered = [
        executed(&short(), Side::Sell, "2", "101", &orders[0]),
        executed(&long(), Side::Buy, "2", "100", &orders[1]),
    ];
    let mut fills = entered.to_vec();
    fills.extend([bought, sold]);
    for (number, fill) in fills.iter_mut().enumerate() {
        fill.trade_id = number.to_string();
    }
    let state = LedgerState {
        tag: "test".to_owned(),
        closed: vec![(row, orders)],
        fills,
        openings: vec![Opening {
            account: CashAccount {
                venue: VenueId::Bybit,
                wallet: Wallet::Unified,
                asset: "USDT".into(),
            },
            total: dec("380"),
            at: OPENED,
        }],
        last_hedge: id.0,
        ..LedgerState::default()
    };
    let mut after = Portfolio::default();
    after.restore(state, listed(), NOW);
    let remembered = after.losses(Timestamp(10_000));
    assert_eq!(
        (remembered.today, remembered.drawdown),
        (Usd(dec("38")), Bps(dec("1000")))
    );
    assert_eq!(after.losses(Timestamp(10_000 + 24 * HOUR_MS)).today, Usd::ZERO);
    after.believe_funding(&payment("late", Timestamp(8_000)));
    assert_eq!(after.losses(Timestamp(10_000)).today, Usd(dec("37.5")));
}

#[test]
fn a_liquidation_that_is_not_told_is_known_by_the_margin_or_becomes_a_danger() {
    let mut portfolio = portfolio();
    let id = plan(&mut portfolio);
    let hedge = portfolio.hedge(id).unwrap().clone();
    let leg = hedge.short.instrument.id.clone();
    let mut read = |minutes: i64, liquidation: Option<&str>, margin: Option<&str>| {
        let truth = AccountTruth {
            venue: leg.venue,
            balances: Vec::new(),
            positions: vec![Position {
                instrument: leg.clone(),
                quantity: Quantity(dec("-2")),
                entry_price: Price(dec("100")),
                mark_price: Price(dec("100")),
                liquidation_price: liquidation.map(|price| Price(dec(price))),
            }],
            open_orders: Vec::new(),
            fills: Vec::new(),
            funding: Vec::new(),
            margin: margin.map(|balance| Margin {
                balance: Usd(dec(balance)),
                maintenance: Usd(dec("2")),
            }),
            read_at: Timestamp(minutes * 60_000),
        };
        portfolio.compare(&truth);
        (
            portfolio.endangered(&hedge).map(|danger| danger.distance),
            portfolio.barred_venues().len(),
        )
    };
    assert_eq!(read(1, Some("130"), None), (None, 0));
    assert_eq!(read(2, Some("107"), None), (Some(Some(Bps(dec("700")))), 0));
    // 15 USD to spare on 200 are 750 bps, which is just enough.
    assert_eq!(read(3, None, Some("17")), (None, 0));
    assert_eq!(read(4, None, Some("16.8")), (Some(Some(Bps(dec("740")))), 0));
    assert_eq!(read(5, None, None), (None, 1), "not known: nothing is entered");
    assert_eq!(read(14, None, None), (None, 1));
    assert_eq!(read(15, None, None), (Some(None), 1), "for ten minutes");
    assert_eq!(read(16, None, Some("100")), (None, 0));
    assert_eq!(read(26, None, None), (None, 1), "it counts anew");
}
