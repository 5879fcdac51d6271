//! Headless Chromium, shared by all tests of the run: opens pages, and runs scripts in them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use serde_json::{Value, json};
use tokio::sync::oneshot;

type Answer = Result<Value, String>;
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// A process of Node.js that drives Chromium. Both end with this process, whose end closes their input.
pub(crate) struct Browser {
    input: Mutex<ChildStdin>,
    waiting: Waiting,
    next: AtomicU64,
    _process: Child,
}

/// A tab.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    id: String,
}

/// A browser profile: its tabs share their cookies, and other profiles do not.
#[derive(Debug)]
pub(crate) struct BrowserProfile {
    name: String,
}

impl Browser {
    fn shared() -> &'static Self {
        static BROWSER: LazyLock<Browser> = LazyLock::new(Browser::start);
        &BROWSER
    }

    fn start() -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        let mut process = Command::new("node")
            .arg(source.join("driver.mjs"))
            .args([packages(), &chromium()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run `node` ({error}): run `apt-get install nodejs npm`"));
        let input = process.stdin.take().expect("the input is a pipe");
        let output = process.stdout.take().expect("the output is a pipe");
        let waiting = Waiting::default();
        let answers = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(answer) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                let id = answer["id"].as_u64().unwrap_or(u64::MAX);
                let waiting = answers.lock().expect("no test panics with the lock").remove(&id);
                let answer = match answer["error"].as_str() {
                    Some(error) => Err(error.to_owned()),
                    None => Ok(answer["result"].clone()),
                };
                if let Some(waiting) = waiting {
                    // A test that has failed no longer waits.
                    let _ = waiting.send(answer);
                }
            }
            // The driver has ended. Every sender is dropped, so that the tests fail instead of waiting.
            answers.lock().expect("no test panics with the lock").clear();
        });
        Self {
            input: Mutex::new(input),
            waiting,
            next: AtomicU64::new(0),
            _process: process,
        }
    }

    async fn command(&self, command: &str, mut parameters: Value) -> Answer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        parameters["id"] = id.into();
        parameters["command"] = command.into();
        let (sender, receiver) = oneshot::channel();
        self.waiting
            .lock()
            .expect("no test panics with the lock")
            .insert(id, sender);
        let sent = writeln!(
            self.input.lock().expect("no test panics with the lock"),
            "{parameters}"
        );
        sent.map_err(|error| format!("the driver of the browser has ended: {error}"))?;
        receiver
            .await
            .unwrap_or_else(|_| Err("the driver of the browser has ended; its errors are above".to_owned()))
    }
}

impl BrowserProfile {
    /// Creates a profile without cookies.
    pub(crate) fn new() -> Self {
        let name = clerk_auth_tests::random_hex(8);
        Self { name }
    }

    /// Opens a tab.
    pub(crate) async fn open(&self, url: &str) -> Page {
        self.open_shifted(url, 0).await
    }

    /// Opens a tab on a computer whose clock is wrong by this many milliseconds.
    pub(crate) async fn open_shifted(&self, url: &str, milliseconds: i64) -> Page {
        let parameters = json!({ "profile": self.name, "url": url, "shift": milliseconds });
        let page = Browser::shared().command("open", parameters).await;
        let page = page.unwrap_or_else(|error| panic!("{url}: {error}"));
        Page {
            id: page.as_str().expect("an id").to_owned(),
        }
    }

    /// Closes every tab.
    pub(crate) async fn close(self) {
        let closed = Browser::shared()
            .command("close", json!({ "profile": self.name }))
            .await;
        closed.expect("the profile closes");
    }
}

impl Page {
    /// Runs the body of an async function. Returns its result.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        let parameters = json!({ "page": self.id, "script": script });
        let script = script.to_owned();
        async move {
            let result = Browser::shared().command("run", parameters).await;
            result.unwrap_or_else(|error| panic!("{place}: {script}: {error}"))
        }
    }

    /// Runs an expression that leaves the page. Returns the status and the body of the page that follows.
    pub(crate) async fn leave(&self, script: &str) -> Value {
        let parameters = json!({ "page": self.id, "script": script });
        let result = Browser::shared().command("leave", parameters).await;
        result.unwrap_or_else(|error| panic!("{script}: {error}"))
    }
}

impl Page {
    /// Writes a picture of the page to a file in `target`. Returns the file.
    pub(crate) async fn screenshot(&self, name: &str, width: u32, is_dark: bool) -> PathBuf {
        let path = output_folder().join(format!("{name}.png"));
        let parameters = json!({
            "page": self.id, "path": path, "width": width, "height": 700, "dark": is_dark,
        });
        let result = Browser::shared().command("screenshot", parameters).await;
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
        path
    }
}

/// Returns the folder in `target` for the files that the suite writes.
pub(crate) fn output_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).expect("the folder can be made");
    folder
}

/// Returns the folder with `node_modules`, which is installed once for a lock file.
pub(crate) fn packages() -> &'static Path {
    static PACKAGES: OnceLock<PathBuf> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        let folder = output_folder();
        let installed = folder.join("installed-lock.json");
        let lock = fs::read(source.join("package-lock.json")).expect("the lock file can be read");
        // Another run in the same folder may be installing.
        let guard = fs::File::create(folder.join("install.lock")).expect("the folder can be written");
        guard.lock().expect("the file can be locked");
        if fs::read(&installed).is_ok_and(|installed| installed == lock) {
            return folder;
        }
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file)).expect("the file can be copied");
        }
        let status = Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status()
            .unwrap_or_else(|error| panic!("cannot run `npm` ({error}): run `apt-get install nodejs npm`"));
        assert!(
            status.success(),
            "the packages could not be installed: run `npm ci --ignore-scripts` in {}",
            folder.display()
        );
        fs::write(&installed, lock).expect("the folder can be written");
        folder
    })
}

/// Returns the program: `CHROMIUM`, or the first that is installed.
fn chromium() -> PathBuf {
    if let Some(program) = std::env::var_os("CHROMIUM") {
        return program.into();
    }
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/bin")])
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .expect("there is no Chromium: run `apt-get install chromium`, or name a program in CHROMIUM")
}
