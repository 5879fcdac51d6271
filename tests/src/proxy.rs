//! A TCP proxy that can fail like a network.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, mem};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// Forwards connections on a port of its own to another address, until stopped or held.
///
/// Each fault is in effect when its method returns.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    target: SocketAddr,
    /// Bound but not listening: reserves the port, while connections are refused.
    _reservation: TcpSocket,
    /// Each forwarding task holds the lock for reading, so that no task forwards while a writer holds it.
    gate: Arc<RwLock<()>>,
    first: Arc<FirstClient>,
    held: Option<OwnedRwLockWriteGuard<()>>,
    forwarding: Option<Forwarding>,
}

/// The traffic of the first client to connect.
#[derive(Debug, Default)]
struct FirstClient {
    /// The number of times that the client has sent something.
    sent: AtomicU64,
    recorded: Mutex<Option<Bytes>>,
}

/// The bytes that each side has sent.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Bytes {
    /// Sent by the client.
    pub of_client: Vec<u8>,
    /// Sent by the server.
    pub of_server: Vec<u8>,
}

impl FirstClient {
    fn record(&self, append: impl FnOnce(&mut Bytes)) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recorded) = &mut *recorded {
            append(recorded);
        }
    }
}

#[derive(Debug)]
struct Forwarding {
    /// Ends the task on a message or on drop.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts forwarding to `target`. Must be called on a tokio runtime.
    ///
    /// # Panics
    ///
    /// If loopback has no free port.
    pub fn to(target: SocketAddr) -> Self {
        let reservation = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("loopback has a free port");
        let address = reservation.local_addr().expect("a bound socket has an address");
        let mut proxy = Self {
            address,
            target,
            _reservation: reservation,
            gate: Arc::default(),
            first: Arc::default(),
            held: None,
            forwarding: None,
        };
        proxy.restore();
        proxy
    }

    /// Returns its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how often the first client has sent something: its round trips, if it waits for each answer.
    pub fn sent(&self) -> u64 {
        self.first.sent.load(Ordering::SeqCst)
    }

    /// Starts a new recording of the traffic between the first client and the server. Returns the previous recording.
    pub fn record(&self) -> Bytes {
        let mut recorded = self.first.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.replace(Bytes::default()).unwrap_or_default()
    }

    /// Drops all connections and refuses new ones.
    ///
    /// # Panics
    ///
    /// If the forwarding task has panicked.
    pub async fn cut(&mut self) {
        self.held = None;
        if let Some(Forwarding { stop, task }) = self.forwarding.take() {
            drop(stop);
            task.await.expect("forwarding does not panic");
        }
    }

    /// Stops forwarding bytes, but keeps connections open. New connections are accepted, and receive nothing.
    pub async fn hold(&mut self) {
        self.listen();
        if self.held.is_none() {
            self.held = Some(Arc::clone(&self.gate).write_owned().await);
        }
    }

    /// Forwards again: new connections after a [`cut`](Self::cut), or held bytes after a [`hold`](Self::hold).
    pub fn restore(&mut self) {
        self.held = None;
        self.listen();
    }

    fn listen(&mut self) {
        if self.forwarding.is_some() {
            return;
        }
        let listener = bind(self.address)
            .and_then(|socket| socket.listen(128))
            .expect("the reserved port can be listened on");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(
            listener,
            self.target,
            Arc::clone(&self.gate),
            Arc::clone(&self.first),
            stopped,
        ));
        self.forwarding = Some(Forwarding { stop, task });
    }
}

/// Binds a socket to a port that the reservation and the listener share, which both must allow.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    gate: Arc<RwLock<()>>,
    mut first: Arc<FirstClient>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            Ok((client, _)) = listener.accept() => {
                connections.spawn(connect(client, target, Arc::clone(&gate), mem::take(&mut first)));
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// Connects both sides. An error on one side ends the connection for both, as without the proxy.
async fn connect(
    client: TcpStream,
    target: SocketAddr,
    gate: Arc<RwLock<()>>,
    first: Arc<FirstClient>,
) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        forward(from_client, to_server, &gate, |bytes| {
            first.sent.fetch_add(1, Ordering::SeqCst);
            first.record(|recorded| recorded.of_client.extend_from_slice(bytes));
        }),
        forward(from_server, to_client, &gate, |bytes| {
            first.record(|recorded| recorded.of_server.extend_from_slice(bytes));
        })
    )?;
    Ok(())
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    gate: &RwLock<()>,
    received: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            let _open = gate.read().await;
            return to.shutdown().await;
        }
        received(&buffer[..length]);
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            // Waits for the receiver outside the gate, so that a receiver that does not read cannot prevent the gate
            // from closing.
            to.writable().await?;
            let _open = gate.read().await;
            match to.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}
