//! Progress of a run, on stderr.

use crate::{cli::Globals, render::shown, say};
use cmk::Event;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often a wait that goes on is reported where there is no terminal.
const REMINDER: Duration = Duration::from_secs(30);

/// Reports to an operator how a run proceeds.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing, or the library's log instead.
    Silent,
    /// A line an event.
    Lines(Mutex<Option<(String, Instant)>>),
    /// A spinner on a terminal, and a line for each thing done.
    Spinner(ProgressBar),
}

impl Progress {
    /// As the terminal and the options want it.
    pub(crate) fn new(globals: &Globals) -> Self {
        if globals.quiet || globals.verbose > 0 {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            Self::Spinner(bar)
        } else {
            Self::Lines(Mutex::new(None))
        }
    }

    /// Reports an event.
    pub(crate) fn report(&self, event: &Event) {
        match self {
            Self::Silent => {}
            Self::Spinner(bar) => match event {
                Event::Acting { .. } | Event::Waiting { .. } => bar.set_message(shown(&event.to_string()).into_owned()),
                done => bar.println(shown(&done.to_string())),
            },
            Self::Lines(last) => {
                if let Event::Waiting { step, why, .. } = event {
                    let what = format!("{step}: {why}");
                    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                    if last.as_ref().is_some_and(|(told, at)| *told == what && at.elapsed() < REMINDER) {
                        return;
                    }
                    *last = Some((what, Instant::now()));
                }
                say(format_args!("{event}"));
            }
        }
    }

    /// A line that is not an event.
    pub(crate) fn say(&self, line: &str) {
        match self {
            Self::Spinner(bar) => bar.println(shown(line)),
            Self::Silent | Self::Lines(_) => say(format_args!("{line}")),
        }
    }

    /// Clears the spinner away.
    pub(crate) fn end(&self) {
        if let Self::Spinner(bar) = self {
            bar.finish_and_clear();
        }
    }
}
