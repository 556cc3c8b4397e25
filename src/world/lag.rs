//! What a line takes: bytes arrive some time after they were sent, in order, and arrive all the same when their sender has
//! died meanwhile.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, split};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Bytes that are taken up at once.
const PIECE: usize = 1 << 14;

/// Carries bytes between two ends, each way with the same delay, until both are closed.
pub async fn carry<Near>(near: Near, far: DuplexStream, takes: Duration)
where
    Near: AsyncRead + AsyncWrite + Unpin,
{
    let ((near_in, near_out), (far_in, far_out)) = (split(near), split(far));
    tokio::join!(one_way(near_in, far_out, takes), one_way(far_in, near_out, takes));
}

/// One way of it. The end of what is sent travels like the bytes before it.
async fn one_way(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, takes: Duration) {
    let (put, mut on_the_way) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let sent = async move {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let bytes = piece.get(..length).unwrap_or_default().to_vec();
            if put.send((Instant::now() + takes, bytes)).is_err() {
                return;
            }
        }
    };
    let arrived = async move {
        while let Some((due, bytes)) = on_the_way.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await; // nobody is there to hear of an end that fails
    };
    tokio::join!(sent, arrived);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_come_late_in_order_and_after_the_death_of_their_sender() {
        let (mut near, here) = tokio::io::duplex(64);
        let (there, mut far) = tokio::io::duplex(64);
        let line = tokio::spawn(carry(here, there, Duration::from_millis(40)));
        let began = Instant::now();
        near.write_all(b"one").await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        near.write_all(b"two").await.unwrap();
        drop(near);
        let mut text = [0; 3];
        far.read_exact(&mut text).await.unwrap();
        assert_eq!((&text, began.elapsed()), (b"one", Duration::from_millis(40)));
        far.read_exact(&mut text).await.unwrap();
        assert_eq!((&text, began.elapsed()), (b"two", Duration::from_millis(50)));
        assert_eq!(far.read(&mut text).await.unwrap(), 0, "then it ends");
        drop(far);
        line.await.unwrap();
    }
}
