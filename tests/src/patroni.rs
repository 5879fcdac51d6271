//! A cluster of three PostgreSQL servers with automatic failover: Patroni, etcd, and HAProxy in front.
//!
//! Each server reaches etcd, and HAProxy and the other servers reach it, through proxies. A test can break these
//! proxies, which isolates the server like a broken network.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::postgres::programs::{self, PACKAGED};
use crate::proxy::Proxy;
use crate::watcher::Watcher;

/// The time that the cluster may take for a change. The lock of Patroni's leader lives for 20 seconds, the minimum.
const DEADLINE: Duration = Duration::from_secs(90);

/// The number of servers that have a commit before it is acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replication {
    /// A commit is acknowledged when a standby has it too.
    Synchronous,
    /// A commit is acknowledged when the leader has it.
    Asynchronous,
}

/// The cluster. Its processes end on drop, or with the test process.
#[derive(Debug)]
pub struct Patroni {
    nodes: [Node; 3],
    haproxy: u16,
    password: String,
    client: reqwest::Client,
    replication: Replication,
    process: Watcher,
}

#[derive(Debug)]
struct Node {
    server: Server,
    /// From the node to etcd.
    etcd: Proxy,
    /// From the others to the node.
    postgres: Proxy,
    /// From the others to the node's Patroni.
    control: Proxy,
}

#[derive(Clone, Copy, Debug)]
struct Server {
    postgres: u16,
    control: u16,
}

impl Patroni {
    /// Starts a cluster, and waits until it has a leader that both standbys follow.
    ///
    /// # Panics
    ///
    /// If a program is missing, or the cluster does not start.
    pub async fn start(replication: Replication) -> Self {
        // Patroni needs more programs than other tests, so a complete folder is searched.
        let programs =
            programs::find(OsStr::new(""), Path::new(PACKAGED)).unwrap_or_else(|problem| panic!("{problem}"));
        // Reserved until the proxies have their ports.
        let reserved =
            [(); 9].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port"));
        let [etcd, etcd_peer, haproxy, ports @ ..] = reserved
            .each_ref()
            .map(|port| port.local_addr().expect("it is bound").port());
        let [a, b, c, d, e, f] = ports;
        let nodes = [(a, b), (c, d), (e, f)].map(|(postgres, control)| Node::new(postgres, control, etcd));
        drop(reserved);
        let password = crate::random_hex(16);
        let mut shell = programs::command("sh").unwrap_or_else(|problem| panic!("{problem}"));
        shell
            .env("BIN", &programs)
            .env("ETCD_PORT", etcd.to_string())
            .env("ETCD_PEER_PORT", etcd_peer.to_string())
            .env("HAPROXY", haproxy_configuration(haproxy, &nodes));
        for (number, node) in nodes.iter().enumerate() {
            let configuration = node.configuration(number, replication, &password, &programs);
            shell.env(format!("NODE_{number}"), configuration.to_string());
        }
        let process =
            Watcher::start(shell, include_str!("patroni.sh")).unwrap_or_else(|output| panic!("{output}"));
        let cluster = Self {
            nodes,
            haproxy,
            password,
            client: reqwest::Client::new(),
            replication,
            process,
        };
        cluster.settled().await;
        cluster
    }

    /// Returns the leader's URL, through HAProxy.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/postgres",
            self.password, self.haproxy
        )
    }

    /// Returns the URL of one server, bypassing HAProxy and the proxies.
    pub fn url_of(&self, node: usize) -> String {
        let port = self.nodes[node].server.postgres;
        format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", self.password)
    }

    /// Returns the number of the leader.
    ///
    /// # Panics
    ///
    /// If the cluster has none in time.
    pub async fn leader(&self) -> usize {
        self.leader_among("a leader", |_| true).await
    }

    /// Waits for another leader than `old`.
    ///
    /// # Panics
    ///
    /// If the cluster has none in time.
    pub async fn leader_after(&self, old: usize) -> usize {
        self.leader_among("another leader", |node| node != old).await
    }

    async fn leader_among(&self, what: &str, is_candidate: impl Fn(usize) -> bool) -> usize {
        self.until(what, async || {
            for node in (0..self.nodes.len()).filter(|node| is_candidate(*node)) {
                if self.is_leader(node).await {
                    return Some(node);
                }
            }
            None
        })
        .await
    }

    /// Waits until both other servers follow a leader.
    ///
    /// # Panics
    ///
    /// If that takes too long.
    pub async fn settled(&self) {
        self.until("a leader and two standbys", async || {
            let cluster: Value = self.ask(0, "cluster").await?.json().await.ok()?;
            let members = cluster["members"].as_array()?;
            let count = |role: &[&str], state: &[&str]| {
                let is = |member: &&Value, key: &str, among: &[&str]| {
                    member[key].as_str().is_some_and(|value| among.contains(&value))
                };
                members
                    .iter()
                    .filter(|member| is(member, "role", role) && is(member, "state", state))
                    .count()
            };
            let states = ["streaming", "running"];
            let standbys = count(&["replica", "sync_standby"], &states);
            // Patroni only promotes the standby for which commits wait.
            let is_safe =
                self.replication == Replication::Asynchronous || count(&["sync_standby"], &states) == 1;
            (count(&["leader"], &["running"]) == 1 && standbys == 2 && is_safe).then_some(())
        })
        .await;
    }

    /// Kills a server and its Patroni.
    ///
    /// # Panics
    ///
    /// If they cannot be killed.
    pub fn kill(&self, node: usize) {
        fs::write(self.file(format!("{node}.down")), "").expect("the folder can be written");
        let patroni = fs::read_to_string(self.file(format!("{node}.pid"))).expect("Patroni runs");
        kill(patroni.trim());
        let postmaster =
            fs::read_to_string(self.file(format!("{node}/postmaster.pid"))).expect("a server runs");
        kill(postmaster.lines().next().expect("its first line is the id"));
    }

    /// Starts a server that was killed.
    ///
    /// # Panics
    ///
    /// If the server was not killed.
    pub fn revive(&self, node: usize) {
        fs::remove_file(self.file(format!("{node}.down"))).expect("the server was killed");
    }

    /// Makes another server the leader, like for maintenance.
    ///
    /// # Panics
    ///
    /// If Patroni refuses.
    pub async fn switch_over(&self, from: usize) {
        let address = format!("http://127.0.0.1:{}/switchover", self.nodes[from].server.control);
        self.until("a switchover", async || {
            let asked = self
                .client
                .post(&address)
                .json(&json!({ "leader": name(from) }))
                .send()
                .await;
            asked.ok().filter(|answer| answer.status().is_success()).map(drop)
        })
        .await;
    }

    /// Isolates a server from etcd, HAProxy and the other servers. Packets are lost, as in a network.
    pub async fn isolate(&mut self, node: usize) {
        let Node {
            etcd,
            postgres,
            control,
            ..
        } = &mut self.nodes[node];
        etcd.hold().await;
        postgres.hold().await;
        control.hold().await;
    }

    /// Prevents the standbys from receiving the leader's writes, and HAProxy from reaching the leader.
    pub async fn hold_replication(&mut self, leader: usize) {
        self.nodes[leader].postgres.hold().await;
    }

    /// Ends the isolation.
    pub fn rejoin(&mut self, node: usize) {
        let Node {
            etcd,
            postgres,
            control,
            ..
        } = &mut self.nodes[node];
        for proxy in [etcd, postgres, control] {
            proxy.restore();
        }
    }

    async fn is_leader(&self, node: usize) -> bool {
        let answer = self.ask(node, "primary").await;
        answer.is_some_and(|answer| answer.status().is_success())
    }

    /// Requests a path from a Patroni, bypassing the proxies.
    async fn ask(&self, node: usize, path: &str) -> Option<reqwest::Response> {
        let address = format!("http://127.0.0.1:{}/{path}", self.nodes[node].server.control);
        let asked = self.client.get(address).timeout(Duration::from_secs(2)).send();
        asked.await.ok()
    }

    async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if Instant::now() > deadline {
                let logs = (0..3).map(|node| fs::read_to_string(self.file(format!("{node}.log"))));
                let logs: Vec<String> = logs.map(Result::unwrap_or_default).collect();
                panic!("no {what} within {DEADLINE:?}:\n{}", logs.join("\n"));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn file(&self, name: String) -> PathBuf {
        self.process.folder().join(name)
    }
}

fn kill(id: &str) {
    let killed = Command::new("kill").args(["-KILL", id]).status();
    assert!(killed.expect("kill runs").success(), "{id}");
}

fn name(node: usize) -> String {
    format!("node{node}")
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

impl Node {
    fn new(postgres: u16, control: u16, etcd: u16) -> Self {
        Self {
            server: Server { postgres, control },
            etcd: Proxy::to(loopback(etcd)),
            postgres: Proxy::to(loopback(postgres)),
            control: Proxy::to(loopback(control)),
        }
    }

    /// Returns Patroni's configuration as JSON, which is valid YAML.
    fn configuration(
        &self,
        number: usize,
        replication: Replication,
        password: &str,
        programs: &Path,
    ) -> Value {
        let Server { postgres, control } = self.server;
        let account = |user: &str| json!({ "username": user, "password": password });
        json!({
            "scope": "clerk_auth",
            "name": name(number),
            "restapi": {
                "listen": loopback(control).to_string(),
                "connect_address": self.control.address().to_string(),
            },
            // Otherwise Patroni would query etcd for its own address, and bypass the proxy.
            "etcd3": { "host": self.etcd.address().to_string(), "use_proxies": true },
            "bootstrap": {
                "dcs": {
                    "ttl": 20,
                    "loop_wait": 2,
                    "retry_timeout": 3,
                    "synchronous_mode": replication == Replication::Synchronous,
                    "postgresql": {
                        "use_pg_rewind": true,
                        "parameters": { "max_connections": 60, "wal_log_hints": "on" },
                    },
                },
                "initdb": [{ "encoding": "UTF8" }, { "locale": "C" }],
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication all 127.0.0.1/32 scram-sha-256",
                ],
            },
            "postgresql": {
                "listen": loopback(postgres).to_string(),
                "connect_address": self.postgres.address().to_string(),
                "data_dir": format!("@FOLDER@/{number}"),
                "pgpass": format!("@FOLDER@/{number}.pgpass"),
                "bin_dir": programs,
                "authentication": {
                    "superuser": account("postgres"),
                    "replication": account("replicator"),
                    "rewind": account("rewinder"),
                },
                "parameters": {
                    "unix_socket_directories": "",
                    "shared_buffers": "32MB",
                    // The machine itself does not crash.
                    "fsync": "off",
                },
            },
        })
    }
}

/// Returns the configuration of Patroni's documentation, with shorter intervals.
fn haproxy_configuration(port: u16, nodes: &[Node; 3]) -> String {
    let servers = nodes.iter().enumerate().map(|(number, node)| {
        format!(
            "    server {} {} check port {}\n",
            name(number),
            node.postgres.address(),
            node.control.address().port()
        )
    });
    format!(
        "\
defaults
    mode tcp
    timeout connect 1s
    timeout client 30m
    timeout server 30m
    timeout check 500ms
listen primary
    bind 127.0.0.1:{port}
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions
{}",
        servers.collect::<String>()
    )
}
