//! The Parquet file of a sweep. `script/tables` has pyarrow read what the program writes; here every byte of a small table is
//! held against a file that pyarrow and pandas have read.

use backtest::engine::Caps;
use backtest::history::History;
use backtest::report::parquet::{Column, file};
use backtest::report::table;
use backtest::sweep::sweep;
use backtest::tape::{Period, build};

use crate::market::market;

/// What pyarrow 26 reads as three rows of sixteen columns: `whole` -1, 0, 7; `net` 0.00000001, -12345.67890123,
/// 9999999999.99999999; `more0` to `more13` 0, 1, 2 times their number.
const READ: &[u8] = include_bytes!("read_by_pyarrow.parquet");

fn small() -> Vec<Column> {
    let column = |name: &str, scale, values: [i64; 3]| Column {
        name: name.to_owned(),
        scale,
        values: values.to_vec(),
    };
    let mut columns = vec![
        column("whole", None, [-1, 0, 7]),
        column("net", Some(8), [1, -1_234_567_890_123, 999_999_999_999_999_999]),
    ];
    columns.extend((0..14).map(|of| column(&format!("more{of}"), None, [0, of, 2 * of])));
    columns
}

#[test]
fn a_table_is_written_as_others_have_read_it() {
    let written = file(&small());
    assert_eq!(written, READ);
    assert_ne!(file(&small()[..15]), READ);
}

/// Every page holds its column's values as they are, one after the other, and the footer names each column once.
#[test]
fn a_sweep_is_the_same_table_in_both_forms() {
    let folder = market(8, 20, None);
    let tape = build(&mut History::open(folder.path()).unwrap(), &[], Period::default()).unwrap();
    let points = sweep(&tape, Caps::default(), (1, 27), |_, _| {}).unwrap();
    let (columns, csv) = (table::columns(&tape, &points), table::swept(&tape, &points));
    let written = file(&columns);
    let footer_at = written.len() - 8;
    let length = u32::from_le_bytes(written[footer_at..footer_at + 4].try_into().unwrap());
    let footer = &written[footer_at - usize::try_from(length).unwrap()..footer_at];
    let (names, lines) = csv.split_once('\n').unwrap();
    assert_eq!((&written[..4], &written[footer_at + 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    assert_eq!(lines.lines().count(), points.len());
    for (place, (column, name)) in columns.iter().zip(names.split(',')).enumerate() {
        assert_eq!(column.name, name);
        let times = |what: &[u8], within: &[u8]| within.windows(what.len()).filter(|at| *at == what).count();
        assert!(
            times(name.as_bytes(), footer) >= 2,
            "{name} is in the schema and in its chunk"
        );
        let bytes: Vec<u8> = column.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert!(times(&bytes, &written) >= 1, "{name}");
        let shown: Vec<_> = lines.lines().map(|line| line.split(',').nth(place).unwrap()).collect();
        for (value, shown) in column.values.iter().zip(shown) {
            let shown: rust_decimal::Decimal = shown.parse().unwrap();
            let exact = rust_decimal::Decimal::new(*value, column.scale.unwrap_or_default().into());
            assert!(
                (exact - shown).abs() <= rust_decimal::Decimal::new(5, 3),
                "{name}: {exact} {shown}"
            );
        }
    }
}
