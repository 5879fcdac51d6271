//! The progress of an import: a bar if standard error is a terminal, otherwise a line per step.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clerk_auth::sync::{ImportCounts, ImportCursor, ImportProgress, ImportedId, LinkProgress};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// The interval at which the bar is redrawn without progress, to show that it is waiting.
const TICK: Duration = Duration::from_millis(200);

/// The output on standard error. Log lines go through it, so that they appear above the bar.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The noun of the counted objects, once known.
    noun: Arc<OnceLock<&'static str>>,
}

impl Progress {
    /// Creates a hidden progress, before any work.
    pub(crate) fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            noun: Arc::default(),
        }
    }

    /// Begins with the total number of rows, if known.
    pub(crate) fn begin(&self, noun: &'static str, rows: Option<u64>) {
        let noun = *self.noun.get_or_init(|| noun);
        let bar = match rows {
            Some(_) => format!("{{wide_bar}} {{pos}} of {{len}} {noun}{{left}}\n{{wide_msg}}\n{{prefix}}"),
            None => format!("{{spinner}} {{pos}} {noun}, {{elapsed}}\n{{wide_msg}}\n{{prefix}}"),
        };
        match rows {
            Some(rows) => self.bar.set_length(rows),
            None => self.bar.unset_length(),
        }
        let style = ProgressStyle::with_template(&bar).expect("the template is right");
        self.bar.set_style(style.with_key("left", left));
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(TICK);
        }
    }

    /// Shows a completed step.
    pub(crate) fn show<I: ImportedId>(&self, step: &ImportProgress<I>) {
        for (id, reason) in &step.not_imported {
            self.bar.suspend(|| eprintln!("{id}: {reason}"));
        }
        let counts = step.counts;
        let place = step
            .cursor
            .as_ref()
            .map_or_else(String::new, ImportCursor::to_string);
        self.bar.set_position(seen(&counts));
        self.bar.set_message(counts.to_string());
        self.bar.set_prefix(place.clone());
        if self.bar.is_hidden() {
            let of_all = match self.bar.length() {
                Some(all) => format!(" of {all}"),
                None => String::new(),
            };
            let noun = self.noun.get().copied().unwrap_or_default();
            eprintln!("{}{of_all} {noun}: {counts} ({place})", seen(&counts));
        }
    }

    /// Shows a completed step of linking.
    pub(crate) fn show_linking(&self, step: &LinkProgress) {
        self.bar.set_position(step.users);
        if let Some(pairs) = step.pairs {
            self.bar.set_message(format!("{} of {pairs} pairs", step.written));
        }
    }

    /// Clears the bar, or leaves it at the last position.
    pub(crate) fn end(&self, is_done: bool) {
        if is_done {
            self.bar.finish_and_clear();
        } else {
            self.bar.abandon();
        }
    }
}

/// Returns the number of rows that were read. Rows that are marked as deleted are not among them.
fn seen(counts: &ImportCounts) -> u64 {
    counts.total() - counts.deleted
}

/// Writes the estimated remaining time, once an estimate is possible.
fn left(state: &ProgressState, text: &mut dyn fmt::Write) {
    if (1..state.len().unwrap_or(0)).contains(&state.pos()) {
        // Writing to text in memory cannot fail.
        let _ = write!(text, ", {:#} left", HumanDuration(state.eta()));
    }
}

impl io::Write for Progress {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.bar.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
