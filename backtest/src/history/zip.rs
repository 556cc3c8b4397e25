//! The one file in a zip archive, as Binance's public archive packs each of its files.

use std::io::Read as _;

use flate2::Crc;
use flate2::read::DeflateDecoder;

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Bytes of the end record without its comment, and the longest comment.
const END_BYTES: usize = 22;
const LONGEST_COMMENT: usize = 65_535;

/// Unpacks the one file of an archive; more than `most` bytes are refused.
///
/// # Errors
/// What is wrong with the archive, in words.
pub(super) fn only_file(archive: &[u8], most: u64) -> Result<Vec<u8>, &'static str> {
    let end = end_record(archive).ok_or("no end of a zip archive: it is cut short, or no zip")?;
    if short(archive, end + 10) != Some(1) {
        return Err("not exactly one file in the archive");
    }
    let entry = word(archive, end + 16).ok_or("no directory")?;
    if bytes(archive, entry, 4) != Some(&ENTRY) {
        return Err("no directory entry where the archive says");
    }
    let field = |at: usize| word(archive, entry + at).ok_or("a directory entry cut short");
    let method = short(archive, entry + 10).ok_or("a directory entry cut short")?;
    let (sum, packed, size, local) = (field(16)?, field(20)?, field(24)?, field(42)?);
    if bytes(archive, local, 4) != Some(&LOCAL) {
        return Err("no file where the archive says");
    }
    let skipped = short(archive, local + 26).zip(short(archive, local + 28));
    let (name, extra) = skipped.ok_or("a file cut short")?;
    let body = bytes(archive, local + 30 + name + extra, packed).ok_or("a file cut short")?;
    if u64::try_from(size).unwrap_or(u64::MAX) > most {
        return Err("too large a file");
    }
    let unpacked = match method {
        0 => body.to_vec(),
        8 => {
            let mut unpacked = Vec::with_capacity(size);
            let limit = u64::try_from(size).unwrap_or(most).saturating_add(1);
            DeflateDecoder::new(body)
                .take(limit)
                .read_to_end(&mut unpacked)
                .map_err(|_| "a broken file")?;
            unpacked
        }
        _ => return Err("packed by a method other than deflate"),
    };
    let mut crc = Crc::new();
    crc.update(&unpacked);
    if unpacked.len() == size && usize::try_from(crc.sum()) == Ok(sum) {
        Ok(unpacked)
    } else {
        Err("a file whose checksum is wrong")
    }
}

fn end_record(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(LONGEST_COMMENT);
    (first..=last).rev().find(|at| bytes(archive, *at, 4) == Some(&END))
}

fn bytes(archive: &[u8], at: usize, count: usize) -> Option<&[u8]> {
    archive.get(at..at.checked_add(count)?)
}

fn short(archive: &[u8], at: usize) -> Option<usize> {
    let two = bytes(archive, at, 2)?.try_into().ok()?;
    Some(u16::from_le_bytes(two).into())
}

fn word(archive: &[u8], at: usize) -> Option<usize> {
    let four = bytes(archive, at, 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}
