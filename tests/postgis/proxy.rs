use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The way in which the proxy treats the answers of the database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    Pass,
    /// No further bytes come through, without an error.
    BlackHole,
    /// Answers come through slowly, at this number of bytes a second.
    Drip(usize),
    /// The connection is closed when this number of bytes from the database would be exceeded.
    ResetAfter(usize),
    /// Each answer comes through after this time.
    Latency(Duration),
    /// Connections are closed, new ones at once.
    Refuse,
}

/// A TCP proxy between the program and a database.
pub struct Proxy {
    pub port: u16,
    mood: Arc<Mutex<Mood>>,
}

impl Proxy {
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(Mood::Pass));
        let shared = Arc::clone(&mood);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if *shared.lock().unwrap() == Mood::Refuse {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let (to, from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let mood = Arc::clone(&shared);
                thread::spawn(move || pipe(from, to, &mood, false));
                let mood = Arc::clone(&shared);
                thread::spawn(move || pipe(server, client, &mood, true));
            }
        });
        Self { port: own, mood }
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }
}

fn pipe(mut from: TcpStream, mut to: TcpStream, mood: &Mutex<Mood>, answers: bool) {
    let mut buffer = [0; 16 << 10];
    let mut passed = 0;
    loop {
        let most = match *mood.lock().unwrap() {
            Mood::Drip(_) if answers => 16,
            Mood::ResetAfter(_) if answers => 64,
            _ => buffer.len(),
        };
        let Ok(n @ 1..) = from.read(&mut buffer[..most]) else {
            break;
        };
        let now = *mood.lock().unwrap();
        match now {
            Mood::BlackHole => {
                while *mood.lock().unwrap() == Mood::BlackHole {
                    thread::sleep(Duration::from_millis(20));
                }
                break;
            }
            Mood::Refuse => break,
            Mood::Latency(late) if answers => thread::sleep(late),
            Mood::Drip(rate) if answers => {
                thread::sleep(Duration::from_secs_f64(n as f64 / rate as f64));
            }
            Mood::ResetAfter(bytes) if answers && passed + n > bytes => break,
            _ => {}
        }
        passed += n;
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
