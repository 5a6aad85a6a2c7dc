//! How a call in a loop waits on the way to a session: it does not, and the loop comes back.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::drive::dialer::Waits;
use crate::drive::event_loop::Queued;
use crate::drive::event_loop::helpers::Helpers;
use crate::drive::event_loop::names::Names;
use crate::drive::event_loop::seat::Seat;
use crate::error::{Error, Kind, Result};
use crate::fork::Undisturbed;
use crate::net::Deadline;
use crate::net::address::{Host, Server};
use crate::net::connect::Connecting;
use crate::net::poller;
use crate::net::progress::Progress;
use crate::net::proxy::{self, Proxy};
use crate::net::resolve;
use crate::net::socket::Readiness;
use crate::net::stream::Stream;
use crate::net::tcp::{self, Manner, Tcp};
use crate::net::tls::{self, Context, Handshake, Shaken, Tls};
use crate::net::trust::Trust;

/// How many threads work on what takes long.
const WORKERS: usize = 4;

/// What is done beside a loop.
pub struct Beside {
    names: Names,
    workers: Helpers,
}

impl Beside {
    /// Nothing yet.
    pub fn new() -> Beside {
        Beside { names: Names::new(), workers: Helpers::new(WORKERS) }
    }

    /// No call is under way that could ask once more for what was found out.
    pub fn rest(&self) {
        self.names.clear();
    }
}

/// Waits of one call.
pub struct Turns {
    seat: Rc<Seat>,
    beside: Rc<Beside>,
}

impl Turns {
    /// Of the call at that place.
    pub fn new(seat: Rc<Seat>, beside: Rc<Beside>) -> Turns {
        Turns { seat, beside }
    }
}

impl Waits for Turns {
    type Transport = Queued;

    async fn context(&mut self, trust: &Trust, deadline: Deadline, mut progress: Progress) -> Result<Arc<Context>> {
        if let Some(context) = tls::ready(trust) {
            return Ok(context);
        }
        let trust = trust.clone();
        let build = move || {
            let _undisturbed = Undisturbed::enter();
            tls::context(&trust, deadline, &mut Progress::default())
        };
        self.seat.work(&self.beside, build, deadline, &mut progress).await?
    }

    async fn resolve(
        &mut self,
        server: &Server,
        deadline: Deadline,
        progress: &mut Progress,
    ) -> Result<Vec<SocketAddr>> {
        if let Host::Ip(address) = server.host {
            return Ok(vec![SocketAddr::new(address, server.port)]);
        }
        let host = server.host.to_string();
        let look_up = self.beside.names.look_up(&host, server.port)?;
        let asked = poll_fn(|context| self.seat.until(look_up.poll(context).map(Ok), deadline, progress)).await;
        match asked {
            Ok(asked) => resolve::found(&host, asked),
            Err(error) if error.kind() == Kind::Timeout => Err(resolve::too_late(&host)),
            Err(error) => Err(error),
        }
    }

    async fn connect(
        &mut self,
        addresses: &[SocketAddr],
        source: Option<IpAddr>,
        deadline: Deadline,
        mut progress: Progress,
        mut note: impl FnMut(&SocketAddr),
    ) -> Result<(Tcp, SocketAddr)> {
        let seat = &self.seat;
        let mut connecting = Connecting::new(addresses, source, deadline);
        seat.steps(|| {
            if let Some(is_good) = seat.happened() {
                if let Some((mut tcp, address)) = connecting.outcome_at_once(is_good, &mut progress)? {
                    // servers greet when they have seen the connection
                    tcp.is_empty_in(seat.turn());
                    return Ok(Some((tcp, address)));
                }
            }
            let (poller, key) = seat.poller();
            let time =
                connecting.begin_due(&mut note, |socket| poller::watch(socket, poller, key, Readiness::Writable))?;
            seat.wait_for(time, &mut progress)?;
            Ok(None)
        })
        .await
    }

    async fn pass_proxy(&mut self, tcp: &mut Tcp, proxy: &Proxy, server: &Server, deadline: Deadline) -> Result<()> {
        let mut link = ProxyLink { tcp, seat: &self.seat, deadline };
        // few calls have a proxy, and all would have the room for what is said to it
        Box::pin(proxy.connect(&mut link, server)).await
    }

    async fn shake_hands(&mut self, handshake: Handshake<'_>, deadline: Deadline) -> Result<Tls> {
        let seat = &self.seat;
        let mut waiting = Some(handshake);
        loop {
            let shaken = seat.steps(|| {
                let mut handshake = waiting.take().ok_or_else(|| Error::new(Kind::Internal, "no handshake"))?;
                handshake.tcp_mut().set_manner(Manner::InTurn(seat.turn()));
                let shaken = handshake.go_on()?;
                let Shaken::Waits(mut handshake) = shaken else { return Ok(Some(shaken)) };
                let tcp = handshake.tcp_mut();
                tcp.want_again().map_err(tcp::into_error)?;
                seat.wait_until(deadline, tcp.progress())?;
                waiting = Some(handshake);
                Ok(None)
            });
            match shaken.await? {
                Shaken::Done(mut tls) => {
                    tls.tcp_mut().set_manner(Manner::Waits);
                    return Ok(tls);
                }
                Shaken::Waits(handshake) => waiting = Some(handshake),
                #[cfg(windows)]
                Shaken::Lacks(mut handshake, work) => {
                    let tcp = handshake.tcp_mut();
                    // what comes meanwhile is nobody's to read
                    tcp.want_nothing().map_err(tcp::into_error)?;
                    seat.work(&self.beside, work, deadline, tcp.progress()).await?;
                    waiting = Some(handshake);
                }
            }
        }
    }

    fn transport(&mut self, stream: Stream, deadline: Deadline, call: Option<Deadline>) -> Queued {
        Queued::new(stream, Rc::clone(&self.seat), Rc::clone(&self.beside), deadline, call)
    }

    fn into_stream(transport: Queued) -> Stream {
        transport.into_stream()
    }

    async fn sleep(&mut self, time: Duration, mut progress: Progress) -> Result<()> {
        let end = Deadline::after(time);
        self.seat
            .steps(|| {
                let Some(left) = end.remaining() else { return Ok(Some(())) };
                self.seat.wait_for(left, &mut progress)?;
                Ok(None)
            })
            .await
    }
}

impl Seat {
    /// Has a helper do what takes long.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        beside: &Beside,
        work: impl FnOnce() -> T + Send + 'static,
        deadline: Deadline,
        progress: &mut Progress,
    ) -> Result<T> {
        let answer = beside.workers.ask(work);
        let answer = answer.map_err(|error| Error::new(Kind::OutOfMemory, "no helper thread").with_source(error))?;
        poll_fn(|context| self.until(answer.poll(context), deadline, progress)).await
    }
}

/// A connection to a proxy.
struct ProxyLink<'a> {
    tcp: &'a mut Tcp,
    seat: &'a Seat,
    deadline: Deadline,
}

impl ProxyLink<'_> {
    async fn attempt<T>(&mut self, mut attempt: impl FnMut(&mut Tcp) -> std::io::Result<T>) -> Result<T> {
        let ProxyLink { tcp, seat, deadline } = self;
        seat.steps(|| {
            tcp.set_manner(Manner::AtOnce);
            let tried = attempt(tcp);
            tcp.set_manner(Manner::Waits);
            match tried {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    tcp.want_again().map_err(tcp::into_error)?;
                    seat.wait_until(*deadline, tcp.progress())?;
                    Ok(None)
                }
                tried => tried.map(Some).map_err(tcp::into_error),
            }
        })
        .await
    }
}

impl proxy::Connection for ProxyLink<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.attempt(|tcp| std::io::Read::read(tcp, buffer)).await
    }

    async fn peek(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.attempt(|tcp| tcp.peek_at_once(buffer)).await
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let count = self.attempt(|tcp| std::io::Write::write(tcp, bytes)).await?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}
