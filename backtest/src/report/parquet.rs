//! A table of whole numbers and exact decimals as a Parquet file, for the programs that analyse sweeps.
//!
//! The smallest true subset of the format: one row group, each column one page of plain 64-bit integers, nothing packed,
//! nothing absent. A decimal is its digits and the column's scale, so that what is read back is what was written.
//!
//! ```text
//! file     "PAR1" page... footer length-of-footer "PAR1"
//! page     its header in Thrift's compact form, then eight bytes a value, the least first
//! footer   schema, and where each column's page lies, in the same form
//! ```

/// A column and its values, all of them there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Digits behind the point where it holds decimals; none where it holds whole numbers.
    pub scale: Option<u8>,
    /// Its values, a decimal without its point.
    pub values: Vec<i64>,
}

const MAGIC: &[u8] = b"PAR1";
/// The format's number of a 64-bit integer.
const INT64: i64 = 2;
/// Of a decimal kept in one.
const DECIMAL: i64 = 5;
/// The most digits that one holds.
const PRECISION: i64 = 18;
/// Of values without an encoding.
const PLAIN: i64 = 0;
/// Of the levels that a column without absent values does not have.
const RLE: i64 = 3;

/// A page's place in the file.
struct Page {
    offset: usize,
    bytes: usize,
    rows: usize,
}

/// The file. Columns that are shorter than the first one are a fault of the caller: a table is as long as its shortest column.
pub fn file(columns: &[Column]) -> Vec<u8> {
    let rows = columns
        .iter()
        .map(|column| column.values.len())
        .min()
        .unwrap_or_default();
    let mut out = MAGIC.to_vec();
    let mut pages = Vec::with_capacity(columns.len());
    for column in columns {
        let offset = out.len();
        out.extend(header(rows));
        let values = column.values.iter().take(rows);
        out.extend(values.flat_map(|value| value.to_le_bytes()));
        pages.push(Page {
            offset,
            bytes: out.len() - offset,
            rows,
        });
    }
    let footer = footer(columns, &pages, rows);
    let length = u32::try_from(footer.len()).unwrap_or(u32::MAX);
    out.extend(footer);
    out.extend(length.to_le_bytes());
    out.extend(MAGIC);
    out
}

/// What stands before a page.
fn header(rows: usize) -> Vec<u8> {
    let bytes = count(rows * 8);
    let mut page = Fields::default();
    page.int(1, 0, I32).int(2, bytes, I32).int(3, bytes, I32);
    let mut data = Fields::default();
    data.int(1, count(rows), I32)
        .int(2, PLAIN, I32)
        .int(3, RLE, I32)
        .int(4, RLE, I32);
    page.object(5, data);
    page.end()
}

fn footer(columns: &[Column], pages: &[Page], rows: usize) -> Vec<u8> {
    let mut root = Fields::default();
    root.text(4, "sweep").int(5, count(columns.len()), I32);
    let leaves = columns.iter().map(|column| {
        let mut leaf = Fields::default();
        leaf.int(1, INT64, I32).int(3, 0, I32).text(4, &column.name);
        if let Some(scale) = column.scale {
            leaf.int(6, DECIMAL, I32)
                .int(7, scale.into(), I32)
                .int(8, PRECISION, I32);
        }
        leaf.end()
    });
    let schema: Vec<_> = std::iter::once(root.end()).chain(leaves).collect();
    let chunks: Vec<_> = columns
        .iter()
        .zip(pages)
        .map(|(column, page)| {
            let mut about = Fields::default();
            about
                .int(1, INT64, I32)
                .list(2, I32, &[zigzag(PLAIN)])
                .list(3, BINARY, &[sized(&column.name)])
                .int(4, 0, I32)
                .int(5, count(page.rows), I64)
                .int(6, count(page.bytes), I64)
                .int(7, count(page.bytes), I64)
                .int(9, count(page.offset), I64);
            let mut chunk = Fields::default();
            chunk.int(2, count(page.offset), I64).object(3, about);
            chunk.end()
        })
        .collect();
    let mut group = Fields::default();
    let bytes = pages.iter().map(|page| page.bytes).sum();
    group
        .list(1, STRUCT, &chunks)
        .int(2, count(bytes), I64)
        .int(3, count(rows), I64);
    let mut file = Fields::default();
    file.int(1, 1, I32)
        .list(2, STRUCT, &schema)
        .int(3, count(rows), I64)
        .list(4, STRUCT, &[group.end()])
        .text(6, "funding-arb");
    file.end()
}

// Thrift's compact form.

/// Its numbers of the types that are used here.
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// The fields of an object, in the order of their numbers.
#[derive(Default)]
struct Fields {
    bytes: Vec<u8>,
    last: u8,
}

impl Fields {
    fn field(&mut self, id: u8, kind: u8) {
        // Numbers here never leap by more than fifteen, so that the short form always does.
        self.bytes.push(((id - self.last) << 4) | kind);
        self.last = id;
    }

    fn int(&mut self, id: u8, value: i64, kind: u8) -> &mut Self {
        self.field(id, kind);
        self.bytes.extend(zigzag(value));
        self
    }

    fn text(&mut self, id: u8, text: &str) -> &mut Self {
        self.field(id, BINARY);
        self.bytes.extend(sized(text));
        self
    }

    fn list(&mut self, id: u8, kind: u8, items: &[Vec<u8>]) -> &mut Self {
        self.field(id, LIST);
        if let Ok(few @ 0..15) = u8::try_from(items.len()) {
            self.bytes.push((few << 4) | kind);
        } else {
            self.bytes.push(0xF0 | kind);
            self.bytes.extend(varint(items.len() as u64));
        }
        self.bytes.extend(items.concat());
        self
    }

    fn object(&mut self, id: u8, inner: Self) -> &mut Self {
        self.field(id, STRUCT);
        self.bytes.extend(inner.end());
        self
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn sized(text: &str) -> Vec<u8> {
    let mut bytes = varint(text.len() as u64);
    bytes.extend(text.as_bytes());
    bytes
}

/// Small numbers of either sign in few bytes.
fn zigzag(value: i64) -> Vec<u8> {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned())
}

/// Seven bits a byte, the least first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = value.to_le_bytes()[0] & 0x7F;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
