//! Files as bytes, bytes as lines, lines as columns.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::fault::{HistoryError, Place, shortened};
use super::zip;

/// No file of a history is larger than this when unpacked; a packed file that claims more is refused.
const LARGEST_BYTES: u64 = 1 << 30;

/// The unpacked bytes of a file.
pub(super) fn unpacked(path: &Path) -> Result<Vec<u8>, HistoryError> {
    let is = |name: &str| path.extension().is_some_and(|ending| ending == name);
    let (packed, zipped) = (is("gz"), is("zip"));
    let unreadable = |cause: String| HistoryError::Unreadable {
        path: path.to_owned(),
        cause,
        expected: match (packed, zipped) {
            (true, _) => "a gzip file, whole",
            (_, true) => "a zip archive of one table, whole",
            _ => "a text file",
        },
    };
    let mut raw = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_BYTES).read_to_end(&mut raw))
        .map_err(|error| unreadable(error.to_string()))?;
    if zipped {
        return zip::only_file(&raw, LARGEST_BYTES).map_err(|cause| unreadable(cause.to_owned()));
    }
    if !packed {
        return Ok(raw);
    }
    let mut bytes = Vec::with_capacity(raw.len().saturating_mul(5));
    MultiGzDecoder::new(raw.as_slice())
        .take(LARGEST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_BYTES {
        return Err(unreadable(format!("more than {LARGEST_BYTES} bytes")));
    }
    Ok(bytes)
}

/// The first line of a file.
pub(super) fn header(bytes: &[u8]) -> &[u8] {
    without_return(bytes.split(|byte| *byte == b'\n').next().unwrap_or_default())
}

/// A table of `N` columns: checks the header, then hands out row by row. `bare` allows a first line that is a row already.
pub(super) fn rows<'a, const N: usize>(
    (path, bytes): (&'a Path, &'a [u8]),
    columns: [&'static str; N],
    bare: bool,
    mut take: impl FnMut(Place<'a>, [&'a [u8]; N]) -> Result<(), HistoryError>,
) -> Result<(), HistoryError> {
    let first = header(bytes);
    let is_bare = bare && first.first().is_some_and(u8::is_ascii_digit);
    if !is_bare && split::<N>(first) != Some(columns.map(str::as_bytes)) {
        return Err(HistoryError::Header {
            path: path.to_owned(),
            expected: columns.join(","),
            found: shortened(first),
        });
    }
    let mut any = false;
    let lines = bytes.split(|byte| *byte == b'\n').map(without_return);
    let mut lines = lines.zip(1_u64..).skip(usize::from(!is_bare)).peekable();
    while let Some((text, line)) = lines.next() {
        if text.is_empty() && lines.peek().is_none() {
            break; // what follows the last line end
        }
        let place = Place { path, line };
        let fields = split::<N>(text).ok_or_else(|| place.fault("(all)", format!("{N} columns"), text))?;
        any = true;
        take(place, fields)?;
    }
    if any {
        Ok(())
    } else {
        Err(HistoryError::Empty { path: path.to_owned() })
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Exactly `N` fields between commas.
fn split<const N: usize>(line: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = [b"".as_slice(); N];
    let mut parts = line.split(|byte| *byte == b',');
    for field in &mut fields {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_columns_and_no_more() {
        assert_eq!(split::<2>(b"a,b"), Some([b"a".as_slice(), b"b"]));
        assert_eq!(split::<2>(b","), Some([b"".as_slice(), b""]));
        assert_eq!(split::<2>(b"a"), None);
        assert_eq!(split::<2>(b"a,b,c"), None);
    }
}
