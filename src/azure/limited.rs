//! How much of an answer is read: a body by its bytes, as they are after decompression, and a list by all of its pages.

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{AsyncRawResponse, HttpClient, Request, response::PinnedStream},
};
use futures::TryStreamExt as _;
use std::sync::Arc;

const MIB: usize = 1024 * 1024;
/// For what ARM, a vault, the directory and the logs answer.
pub(crate) const BODY: usize = 16 * MIB;
/// For tokens, and for how to get one.
pub(crate) const TOKEN: usize = 64 * 1024;
/// For a manifest; no registry has to take a larger one.
pub(crate) const MANIFEST: usize = 4 * MIB;
/// For what a list, or one answer, takes once it is read: a body of small parts takes many times its length.
const READ: usize = 32 * MIB;
/// A list that never ends is a fault of the service, not a reason to read for ever.
pub(crate) const PAGES: usize = 1000;

/// An answer that goes on beyond its limit. What is behind it is not read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it is over {}, and is read no further", size(self.0))]
pub(crate) struct TooLong(usize);

fn size(bytes: usize) -> String {
    if bytes >= MIB { format!("{} MiB", bytes / MIB) } else { format!("{} KiB", bytes / 1024) }
}

/// An answer whose body fails once it is longer than `limit`.
pub(crate) fn limited(answer: AsyncRawResponse, limit: usize) -> AsyncRawResponse {
    let (status, headers, body) = answer.deconstruct();
    let mut left = limit;
    let body: PinnedStream = Box::pin(body.and_then(move |chunk| {
        let fits = left.checked_sub(chunk.len());
        left = fits.unwrap_or_default();
        std::future::ready(match fits {
            Some(_) => Ok(chunk),
            None => Err(azure_core::Error::with_error(ErrorKind::Io, TooLong(limit), "the answer is too long")),
        })
    }));
    AsyncRawResponse::new(status, headers, body)
}

/// That an answer was too long, if that is what an SDK error is about.
pub(crate) fn too_long(e: &azure_core::Error) -> Option<TooLong> {
    super::host_guard::of_type(e)
}

/// A transport for logging in, whose answers are as long as tokens are.
#[derive(Debug)]
pub(crate) struct ForTokens(pub(crate) Arc<dyn HttpClient>);

#[async_trait]
impl HttpClient for ForTokens {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.0.execute_request(request).await.map(|answer| limited(answer, TOKEN))
    }
}

/// What there is room for yet, of one answer or of all pages of a list.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(READ)
    }
}

impl Room {
    /// Takes room for what a body is to become.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn take(&mut self, body: &[u8]) -> Result<(), String> {
        let left = self.0.checked_sub(once_read(body));
        self.0 = left.unwrap_or_default();
        left.map(|_| ()).ok_or_else(|| format!("it takes more than {} to hold", size(READ)))
    }
}

/// About how much memory a JSON text takes once it is read: its strings as they are, each value some words, each object a
/// table.
fn once_read(body: &[u8]) -> usize {
    const VALUE: usize = 64;
    const OBJECT: usize = 640;
    let (mut in_string, mut escaped) = (false, false);
    let parts = body.iter().map(|byte| {
        if in_string {
            // A quote after a backslash does not end it, and after two of them it does.
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            return 1;
        }
        in_string = *byte == b'"';
        match byte {
            b',' | b':' | b'[' => VALUE,
            b'{' => OBJECT,
            _ => 1,
        }
    });
    parts.fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::{StatusCode, headers::Headers};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Chunks of 1 KiB without end, and how many were taken.
    fn endless() -> (AsyncRawResponse, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let chunks = futures::stream::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(vec![0_u8; 1024].into())
        });
        (AsyncRawResponse::new(StatusCode::Ok, Headers::new(), Box::pin(chunks)), taken)
    }

    #[tokio::test]
    async fn no_more_is_read_than_the_limit_and_one_chunk() {
        let (answer, taken) = endless();
        let error = limited(answer, 10 * 1024).into_body().collect().await.unwrap_err();
        assert_eq!(too_long(&error).unwrap().to_string(), "it is over 10 KiB, and is read no further");
        assert_eq!(taken.load(Ordering::Relaxed), 11);
        let whole = AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), vec![7; 10 * 1024]);
        assert_eq!(limited(whole, 10 * 1024).into_body().collect().await.unwrap().len(), 10 * 1024);
    }

    #[test]
    fn a_list_of_small_things_is_told_by_what_it_takes() {
        assert_eq!(Room::default().take(&vec![b'a'; BODY]), Ok(()));
        let small = format!("[{}{{}}]", "{\"a\":1},".repeat(100_000));
        let why = "it takes more than 32 MiB to hold".to_owned();
        assert_eq!(Room::default().take(small.as_bytes()), Err(why.clone()));
        let (mut room, page) = (Room::default(), vec![b'a'; 10 * MIB]);
        assert_eq!(
            [room.take(&page), room.take(&page), room.take(&page), room.take(&page)],
            [Ok(()), Ok(()), Ok(()), Err(why)]
        );
    }

    #[test]
    fn what_stands_in_strings_is_text_and_no_values() {
        let text = r#"12:30, {a [b \", \\"#.repeat(10_000);
        let body = format!(r#"{{"said":"{text}"}}"#);
        let takes = once_read(body.as_bytes());
        assert!(takes >= body.len() && takes < body.len() + 1000, "{takes} for {}", body.len());
        // Behind the string it is counted as ever.
        assert_eq!(once_read(br#"["a\\",{}]"#), 64 + 5 + 64 + 640 + 2);
        // As the activity log has them: the body of a request, as a text of 5 KB.
        let event = format!(r#"{{"properties":{{"requestbody":"{}"}}}}"#, r#"{\"name\":[1,2],"#.repeat(320));
        let page = format!("[{}]", vec![event; 3000].join(","));
        assert!(page.len() > 15_000_000);
        assert_eq!(Room::default().take(page.as_bytes()), Ok(()));
    }
}
