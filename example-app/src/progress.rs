//! How far an import has come: a bar where standard error is a terminal, a line for each step where it is not.

use std::fmt;
use std::io;
use std::time::Duration;

use clerk_auth::sync::{ImportCounts, ImportCursor, ImportProgress, LinkProgress};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often the bar is drawn although nothing has happened, so that one sees it waiting.
const TICK: Duration = Duration::from_millis(200);

/// The output on standard error. Log lines go through it, so that they appear above the bar.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Nothing to show yet.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Begins with so many users to come, if that is known.
    pub(crate) fn begin(&self, users: Option<u64>) {
        let bar = match users {
            Some(_) => "{wide_bar} {pos} of {len} users{left}\n{wide_msg}\n{prefix}",
            None => "{spinner} {pos} users, {elapsed}\n{wide_msg}\n{prefix}",
        };
        match users {
            Some(users) => self.0.set_length(users),
            None => self.0.unset_length(),
        }
        let style = ProgressStyle::with_template(bar).expect("the template is right");
        self.0.set_style(style.with_key("left", left));
        self.0.set_draw_target(ProgressDrawTarget::stderr());
        if !self.0.is_hidden() {
            self.0.enable_steady_tick(TICK);
        }
    }

    /// A step has been done.
    pub(crate) fn show(&self, step: &ImportProgress) {
        for (user_id, reason) in &step.not_imported {
            self.0.suspend(|| eprintln!("{user_id}: {reason}"));
        }
        let counts = step.counts;
        let place = step
            .cursor
            .as_ref()
            .map_or_else(String::new, ImportCursor::to_string);
        self.0.set_position(users(&counts));
        self.0.set_message(counts.to_string());
        self.0.set_prefix(place.clone());
        if self.0.is_hidden() {
            let of_all = match self.0.length() {
                Some(all) => format!(" of {all}"),
                None => String::new(),
            };
            eprintln!("{}{of_all} users: {counts} ({place})", users(&counts));
        }
    }

    /// A step of linking has been done.
    pub(crate) fn show_linking(&self, step: &LinkProgress) {
        self.0.set_position(step.users);
        if let Some(pairs) = step.pairs {
            self.0.set_message(format!("{} of {pairs} pairs", step.written));
        }
    }

    /// Clears the bar, or leaves it where it has come to.
    pub(crate) fn end(&self, is_done: bool) {
        if is_done {
            self.0.finish_and_clear();
        } else {
            self.0.abandon();
        }
    }
}

/// The rows that are marked as deleted are those of other users than were gone through.
fn users(counts: &ImportCounts) -> u64 {
    counts.total() - counts.deleted
}

/// Writes the estimated remaining time, once an estimate is possible.
fn left(state: &ProgressState, text: &mut dyn fmt::Write) {
    if (1..state.len().unwrap_or(0)).contains(&state.pos()) {
        // Text that is kept in memory takes everything.
        let _ = write!(text, ", {:#} left", HumanDuration(state.eta()));
    }
}

impl io::Write for Progress {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
