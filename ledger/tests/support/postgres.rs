//! A throw-away PostgreSQL on a socket of its own: no port to race for, gone with the last test that uses it.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// PostgreSQL refuses to run as root; nobody is on every machine.
const NOBODY: u32 = 65534;
/// Looks at the lock file before the server counts as dead: 20 s.
const LOOKS: u32 = 4_000;

static SHARED: Mutex<Weak<TempPg>> = Mutex::new(Weak::new());

pub struct TempPg {
    folder: PathBuf,
    /// `None` while it is stopped.
    server: Option<Child>,
}

impl TempPg {
    /// The server that other tests use now, or a new one.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A server of one's own.
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("pg-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
        if std::fs::metadata(&folder).unwrap().uid() == 0 {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut made = Self { folder, server: None };
        let options = [
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ];
        let mut initdb = made.command("initdb");
        let done = initdb.args(options).arg(made.data()).status().unwrap();
        assert!(done.success(), "initdb failed");
        made.go_on();
        made
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// One of the server's programs, as the user whom the folder belongs to.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        if std::fs::metadata(&self.folder).unwrap().uid() == NOBODY {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts the server on what it holds, and waits until it answers.
    pub fn go_on(&mut self) {
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.data()).arg("-k").arg(&self.folder);
        for setting in [
            "listen_addresses=",
            "fsync=off",
            "full_page_writes=off",
            "shared_buffers=16MB",
        ] {
            server.args(["-c", setting]);
        }
        self.server = Some(server.spawn().unwrap());
        wait_until_ready(&self.data().join("postmaster.pid"));
    }

    /// Stops the server under whoever is connected; what was committed stays.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // Not `Child::kill`: a killed postmaster leaves its shared memory behind.
            let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
            let _ = server.wait();
            // Where it stayed, it would say of the next server that it is ready.
            let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
        }
    }

    /// Where its socket is.
    #[allow(dead_code, reason = "not every suite stands between")]
    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Says one statement to it, as its owner.
    #[allow(dead_code, reason = "not every suite has something to say")]
    pub fn say(&self, statement: &str) {
        let mut command = self.command("psql");
        let words = ["-v", "ON_ERROR_STOP=1", "-q", "-U", "postgres", "-c", statement, "-h"];
        let done = command.args(words).arg(&self.folder).status().unwrap();
        assert!(done.success(), "{statement} failed");
    }

    /// Makes an empty database.
    #[allow(dead_code, reason = "not every suite wants a database of its own")]
    pub fn create(&self, database: &str) {
        let mut command = self.command("createdb");
        let done = command.arg("-h").arg(&self.folder).args(["-U", "postgres", database]);
        assert!(done.status().unwrap().success(), "{database} was not made");
    }

    /// The address of one of its databases.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://postgres@{folder}/{database}")
    }
}

impl Drop for TempPg {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A socket that accepts is not yet a ready server; the lock file says when it is.
#[allow(
    clippy::disallowed_methods,
    reason = "another process is waited for, in its own time"
)]
fn wait_until_ready(lock: &Path) {
    let is_ready = |text: String| text.lines().nth(7).is_some_and(|line| line.trim() == "ready");
    for _ in 0..LOOKS {
        if std::fs::read_to_string(lock).is_ok_and(is_ready) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("PostgreSQL did not get ready");
}

/// Where a program of the server is: on the `PATH`, or where Debian puts it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path).chain(debian.map(|version| version.path().join("bin")));
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: apt-get install -y postgresql"))
}
