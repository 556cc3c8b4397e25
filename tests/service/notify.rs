//! What systemd is told by a real process.

use std::os::unix::net::UnixDatagram;

use super::kit::{Folder, House, Venues, secs};

#[test]
fn systemd_hears_of_ready_of_life_and_of_the_end() {
    let folder = Folder::new("notify");
    let venues = Venues::start(&folder.0);
    let mut house = House::new("notify").at(&venues);
    let path = folder.0.join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(secs(30))).unwrap();
    house.set("NOTIFY_SOCKET", path.to_str().unwrap());
    house.set("WATCHDOG_USEC", "60000000");
    let mut engine = house.start();
    let hear = || {
        let mut heard = [0; 256];
        let length = manager.recv(&mut heard).expect("a word in time");
        String::from_utf8(heard[..length].to_vec()).unwrap()
    };
    assert_eq!(hear(), "READY=1");
    let mut modes = Vec::new();
    while !modes.iter().any(|mode| mode == "WATCHDOG=1\nSTATUS=running") {
        let word = hear();
        assert!(word.starts_with("WATCHDOG=1\nSTATUS="), "{word}");
        modes.push(word);
        assert!(modes.len() < 60, "{modes:?}");
    }
    engine.process.signal("TERM");
    let mut last = hear();
    while last.starts_with("WATCHDOG=1") {
        last = hear();
    }
    assert_eq!(last, "STOPPING=1");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
}
