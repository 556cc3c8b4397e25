//! One life of the engine's process: it can be killed between any two instructions that wait, and frozen as by a signal.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::task::LocalSet;

/// How a life stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Running,
    Frozen,
    Dead,
}

struct Switch {
    standing: Cell<Standing>,
    waker: RefCell<Option<Waker>>,
}

/// The hand on a life. Dropping it changes nothing.
#[derive(Clone)]
pub struct Life(Rc<Switch>);

impl Life {
    /// Lets `birth` start the process' tasks on a set of their own, and lets them run.
    pub fn begin<T>(birth: impl FnOnce(&Self) -> T) -> (Self, T) {
        let life = Self(Rc::new(Switch {
            standing: Cell::new(Standing::Running),
            waker: RefCell::default(),
        }));
        let tasks = LocalSet::new();
        let born = {
            let _inside = tasks.enter();
            birth(&life)
        };
        tokio::task::spawn_local(Running {
            switch: Rc::clone(&life.0),
            tasks: Some(tasks),
        });
        (life, born)
    }

    /// SIGKILL: nothing of it runs any more.
    pub fn kill(&self) {
        self.stand(Standing::Dead);
    }

    /// SIGSTOP: time goes on without it.
    pub fn freeze(&self) {
        if self.0.standing.get() == Standing::Running {
            self.stand(Standing::Frozen);
        }
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        if self.0.standing.get() == Standing::Frozen {
            self.stand(Standing::Running);
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.0.standing.get() == Standing::Dead
    }

    fn stand(&self, standing: Standing) {
        self.0.standing.set(standing);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

struct Running {
    switch: Rc<Switch>,
    tasks: Option<LocalSet>,
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.switch.waker.borrow_mut() = Some(cx.waker().clone());
        if self.switch.standing.get() == Standing::Frozen {
            return Poll::Pending;
        }
        if self.switch.standing.get() == Standing::Running {
            let Some(tasks) = self.tasks.as_mut() else {
                return Poll::Ready(());
            };
            let polled = Pin::new(tasks).poll(cx);
            // The process may have ended itself meanwhile.
            if self.switch.standing.get() != Standing::Dead {
                return polled;
            }
        }
        self.tasks = None;
        Poll::Ready(())
    }
}
