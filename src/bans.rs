//! Bans that outlive the process: one small file in the folder of the data.
//!
//! Each line names a host and the millisecond of market time from which it may be asked again. What cannot be read or
//! written is warned about and costs nothing but the memory: the venue would say it again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use domain::ports::Bans;
use domain::time::Timestamp;
use slog::{Logger, info, warn};

/// The name of the file.
pub const FILE: &str = "bans";

/// The file and what it says.
pub struct FileBans {
    path: PathBuf,
    known: RefCell<BTreeMap<String, i64>>,
    log: Logger,
}

impl FileBans {
    /// What the file in `folder` says; nothing where there is none.
    pub fn open(folder: &Path, log: &Logger) -> Self {
        let path = folder.join(FILE);
        let known = match fs::read_to_string(&path) {
            Ok(text) => read(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                warn!(log, "bans of an earlier life could not be read"; "file" => %path.display(), "error" => %error);
                BTreeMap::new()
            }
        };
        for (host, until) in &known {
            info!(log, "a host may have asked for silence"; "host" => host, "until" => %Timestamp(*until));
        }
        Self {
            path,
            known: RefCell::new(known),
            log: log.clone(),
        }
    }

    /// Beside the file first, then in its place: a crash leaves the old one or the new one.
    fn write(&self, text: &str) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

fn read(text: &str) -> BTreeMap<String, i64> {
    let line = |line: &str| {
        let (host, until) = line.rsplit_once(' ')?;
        Some((host.to_owned(), until.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

impl Bans for FileBans {
    fn until(&self, host: &str) -> Option<Timestamp> {
        self.known.borrow().get(host).copied().map(Timestamp)
    }

    fn keep(&self, host: &str, until: Timestamp) {
        let text = {
            let mut known = self.known.borrow_mut();
            if known.get(host).is_some_and(|known| *known >= until.millis()) {
                return;
            }
            known.insert(host.to_owned(), until.millis());
            known.iter().fold(String::new(), |text, (host, until)| {
                text + host + " " + &until.to_string() + "\n"
            })
        };
        if let Err(error) = self.write(&text) {
            warn!(self.log, "a ban could not be kept for the next start"; "host" => host, "error" => %error);
        }
    }
}

#[cfg(test)]
mod tests {
    use slog::{Discard, o};

    use super::*;

    #[test]
    fn f020_a_ban_is_read_by_the_next_process_and_never_shortened() {
        let folder = std::env::temp_dir().join(format!("funding-arb-bans-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let log = Logger::root(Discard, o!());
        let open = || FileBans::open(&folder, &log);
        let (host, other) = ("https://fapi.binance.com", "https://api.bybit.com");
        assert_eq!(open().until(host), None);
        open().keep(host, Timestamp(5000));
        open().keep(other, Timestamp(7000));
        open().keep(host, Timestamp(4000));
        assert_eq!(
            (open().until(host), open().until(other)),
            (Some(Timestamp(5000)), Some(Timestamp(7000)))
        );
        fs::write(
            folder.join(FILE),
            "x\nhttps://fapi.binance.com nine\nhttps://api.bybit.com 9000\n",
        )
        .unwrap();
        assert_eq!((open().until(host), open().until(other)), (None, Some(Timestamp(9000))));
        fs::remove_dir_all(&folder).unwrap();
    }
}
