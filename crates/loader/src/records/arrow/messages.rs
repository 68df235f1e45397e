//! Reading of messages of Arrow IPC, one at a time. The library allocates memory for the sizes that
//! a message states, so these are first compared with the message's bytes and with limits.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, Message, MessageHeader, MetadataVersion, Schema as IpcSchema};
use arrow_ipc::{root_as_footer, root_as_message};
use arrow_schema::Schema;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// The most bytes that a message's metadata or a file's footer may have, a choice: 64 MiB are
/// enough for more than a hundred thousand columns.
const DESCRIPTION: usize = 64 << 20;

/// The most bytes that a batch or a dictionary may have, both in the file and after decompression:
/// a choice.
const BATCH: u64 = 1 << 30;

/// The number of bytes at the end of a file that hold the footer's length and the magic bytes
/// `ARROW1`.
const TAIL: usize = 10;

/// An error that occurs while Arrow data are read.
pub(super) type IpcError = Box<dyn std::error::Error + Send + Sync>;

/// A message of Arrow IPC. `bytes` are its metadata followed by its body. `block`, Arrow's
/// description of a message's place in the file, states the lengths of metadata and body in bytes
/// and the offset at which the message begins.
pub(super) struct IpcMessage {
    block: Block,
    bytes: Buffer,
}

impl IpcMessage {
    /// Reads the next message of a stream; `None` if the stream ends.
    pub(super) fn next(reader: &mut impl Read) -> Result<Option<Self>, IpcError> {
        let mut bytes = Vec::new();
        // A message begins with a mark of four bytes and then the length of its metadata. Older
        // streams have no mark.
        match reader.take(4).read_to_end(&mut bytes)? {
            0 => return Ok(None),
            4 if bytes == [0xff; 4] => more(reader, &mut bytes, 4)?,
            4 => (),
            _ => return Err(early()),
        }
        let length = bytes.last_chunk().map_or(0, |n| i32::from_le_bytes(*n));
        if length == 0 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| "the length of a message is negative")?;
        limit(
            "the description of a message",
            length as u64,
            DESCRIPTION as u64,
        )?;
        more(reader, &mut bytes, length)?;
        let body = described(&bytes)?.bodyLength();
        limit("the body of a message", body as u64, BATCH)?;
        let block = Block::new(0, bytes.len() as i32, body);
        more(reader, &mut bytes, body as usize)?;
        Self::checked(block, bytes).map(Some)
    }

    /// Reads a message of a file. `block` is the message's place in the file, as the footer states
    /// it.
    pub(super) fn at(file: &mut (impl Read + Seek), block: Block) -> Result<Self, IpcError> {
        let (description, body) = (block.metaDataLength() as u64, block.bodyLength() as u64);
        limit(
            "the description of a message",
            description,
            DESCRIPTION as u64,
        )?;
        limit("the body of a message", body, BATCH)?;
        file.seek(SeekFrom::Start(block.offset() as u64))?;
        // The footer's reader has checked that the block lies in the file, so its length can be
        // allocated.
        let mut bytes = Vec::with_capacity((description + body) as usize);
        more(file, &mut bytes, (description + body) as usize)?;
        Self::checked(block, bytes)
    }

    fn checked(block: Block, bytes: Vec<u8>) -> Result<Self, IpcError> {
        let start = block.metaDataLength() as usize;
        check(&described(&bytes)?, bytes.get(start..).ok_or_else(early)?)?;
        let bytes = Buffer::from_vec(bytes);
        Ok(Self { block, bytes })
    }

    /// The schema in the first message of a stream, and the version of the format.
    pub(super) fn schema(&self) -> Result<(Schema, MetadataVersion), IpcError> {
        let message = described(&self.bytes)?;
        let schema = message
            .header_as_schema()
            .ok_or("it begins without a schema")?;
        Ok((known(schema)?, message.version()))
    }

    /// Decodes the message, and returns its rows. Returns `None` if the message is a dictionary;
    /// the decoder stores it, since the rows of later messages refer to it.
    pub(super) fn decode(
        &self,
        decoder: &mut FileDecoder,
    ) -> Result<Option<RecordBatch>, IpcError> {
        if described(&self.bytes)?.header_type() == MessageHeader::DictionaryBatch {
            decoder.read_dictionary(&self.block, &self.bytes)?;
            return Ok(None);
        }
        Ok(decoder.read_record_batch(&self.block, &self.bytes)?)
    }
}

/// The footer of an Arrow file, with the schema and the places of all messages.
pub(super) struct Footer {
    pub(super) schema: Schema,
    pub(super) version: MetadataVersion,
    /// The places of the messages in the file: first the messages with dictionaries, then the
    /// messages with rows. All of them lie within the file's length.
    pub(super) parts: Vec<Block>,
}

impl Footer {
    /// Reads the footer of a file, whose length is `length` bytes.
    pub(super) fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Self, IpcError> {
        let before = length.checked_sub(TAIL as u64).ok_or_else(early)?;
        file.seek(SeekFrom::Start(before))?;
        let mut tail = [0; TAIL];
        file.read_exact(&mut tail)?;
        let size = read_footer_length(tail)?;
        limit("the footer", size as u64, DESCRIPTION as u64)?;
        let start = before.checked_sub(size as u64).ok_or_else(early)?;
        file.seek(SeekFrom::Start(start))?;
        let mut footer = Vec::new();
        more(file, &mut footer, size)?;
        let footer = root_as_footer(&footer).map_err(|error| error.to_string())?;
        let schema = footer.schema().ok_or("the footer has no schema")?;
        let dictionaries = footer.dictionaries().into_iter().flatten();
        let batches = footer.recordBatches().into_iter().flatten();
        let parts: Vec<Block> = dictionaries.chain(batches).copied().collect();
        if !parts.iter().all(|part| lies_within(part, length)) {
            return Err(format!("a part is said to lie beyond the file's {length} bytes").into());
        }
        Ok(Self {
            schema: known(schema)?,
            version: footer.version(),
            parts,
        })
    }
}

/// A decoder that decodes only the columns with these indexes.
pub(super) fn decoder(
    schema: Arc<Schema>,
    version: MetadataVersion,
    columns: Vec<usize>,
) -> FileDecoder {
    FileDecoder::new(schema, version).with_projection(columns)
}

/// Appends the next `count` bytes of a reader to `bytes`. Memory is allocated only for bytes that
/// are really there.
fn more(reader: &mut impl Read, bytes: &mut Vec<u8>, count: usize) -> Result<(), IpcError> {
    if reader.take(count as u64).read_to_end(bytes)? < count {
        return Err(early());
    }
    Ok(())
}

fn early() -> IpcError {
    io::Error::from(io::ErrorKind::UnexpectedEof).into()
}

/// Returns an error if `stated`, a size in bytes, exceeds `most`. `what` names the thing of this
/// size in the message. A negative size becomes very large as `u64`, and is refused too.
fn limit(what: &str, stated: u64, most: u64) -> Result<(), IpcError> {
    if stated <= most {
        return Ok(());
    }
    Err(format!(
        "{what} is said to have {stated} bytes; at most {most} are read: \
         write batches of fewer rows"
    )
    .into())
}

/// Parses the metadata with which the bytes of a message begin.
fn described(bytes: &[u8]) -> Result<Message<'_>, IpcError> {
    let prefix = if bytes.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let message = root_as_message(bytes.get(prefix..).ok_or_else(early)?);
    Ok(message.map_err(|error| error.to_string())?)
}

fn known(schema: IpcSchema<'_>) -> Result<Schema, IpcError> {
    if !schema.endianness().equals_to_target_endianness() {
        return Err("its numbers are in the byte order of another kind of machine".into());
    }
    Ok(fb_to_schema(schema))
}

/// Checks that all columns lie in the body of a message, and that they have at most [`BATCH`] bytes
/// after decompression.
fn check(message: &Message<'_>, body: &[u8]) -> Result<(), IpcError> {
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => {
            message.header_as_dictionary_batch().and_then(|d| d.data())
        }
        _ => return Ok(()),
    };
    let batch = batch.ok_or("a batch without a description")?;
    limit("a batch by its rows", batch.length() as u64, BATCH)?;
    let packed = batch.compression().is_some();
    let mut unpacked = 0u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let place = usize::try_from(buffer.offset()).ok();
        let stored = place.and_then(|place| body.get(place..));
        let length = usize::try_from(buffer.length()).ok();
        let stored = length.and_then(|length| stored?.get(..length));
        let stored = stored.ok_or("a column is said to lie beyond its batch")?;
        // If the length before a buffer's bytes is −1, the buffer is not compressed.
        let stated = stored.first_chunk().map(|n| i64::from_le_bytes(*n));
        unpacked = unpacked.saturating_add(match stated {
            Some(stated) if packed && stated != -1 => stated as u64,
            _ => stored.len() as u64,
        });
    }
    limit("a batch, unpacked,", unpacked, BATCH)
}

fn lies_within(block: &Block, length: u64) -> bool {
    let parts = [
        u64::try_from(block.offset()),
        u64::try_from(block.metaDataLength()),
        u64::try_from(block.bodyLength()),
    ];
    let end = parts
        .into_iter()
        .try_fold(0u64, |sum, part| sum.checked_add(part.ok()?));
    end.is_some_and(|end| end <= length)
}
