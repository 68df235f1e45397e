//! Streams on their way to a file: the pages of one kind and depth.

use crate::error::WriteError;
use crate::group::EntryKind;
use crate::node_page::{self, StoredNode};
use crate::page;
use crate::root::{DIRECTORY_PAGES, DirectoryPlace, PageKind, StreamRecord};
use heatsplat_points::Point;
use rayon::prelude::*;
use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};

/// The number of pages of points or cells that are encoded at the same time, on all cores: a
/// choice.
const AT_ONCE: usize = 32;

/// The greatest number of bytes of one spool that stay in memory: a choice. Beyond it the spool's
/// pages go to a temporary file.
const IN_MEMORY: usize = 1 << 19;

/// A conversion of an I/O error into one that names the file's path.
pub(crate) trait IntoHeatError<T> {
    fn at(self, path: &Path) -> Result<T, WriteError>;
}

impl<T> IntoHeatError<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, WriteError> {
        self.map_err(|source| WriteError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

/// The lengths in bytes, and the CRC-32s, of the pages of a stream, in order.
#[derive(Debug, Default)]
pub(crate) struct PageList {
    pages: Vec<(u32, u32)>,
}

impl PageList {
    pub(crate) fn add(&mut self, page: &[u8]) {
        self.pages.push((page.len() as u32, crc32fast::hash(page)));
    }

    /// Writes the directories of the pages to the end of a file. `first` is the offset of the first
    /// page; `end` is the length of the file, and is increased by the length of the directories.
    /// Returns the places of the directories.
    pub(crate) fn write_directories(
        &self,
        mut first: u64,
        end: &mut u64,
        to: &mut dyn Write,
    ) -> io::Result<Vec<DirectoryPlace>> {
        let mut places = Vec::new();
        for pages in self.pages.chunks(DIRECTORY_PAGES as usize) {
            let mut bytes = Vec::with_capacity(pages.len() * 8);
            for (len, crc) in pages {
                bytes.extend_from_slice(&len.to_le_bytes());
                bytes.extend_from_slice(&crc.to_le_bytes());
            }
            to.write_all(&bytes)?;
            places.push(DirectoryPlace {
                offset: *end,
                crc: crc32fast::hash(&bytes),
                pages: first,
            });
            *end += bytes.len() as u64;
            first += pages.iter().map(|(len, _)| u64::from(*len)).sum::<u64>();
        }
        Ok(places)
    }
}

/// Points or cells that wait until they fill pages.
#[derive(Debug)]
pub(crate) struct EntryStream {
    kind: EntryKind,
    page: usize,
    entries: Vec<Point>,
    counts: Vec<u32>,
    written: u64,
    pub(crate) list: PageList,
}

impl EntryStream {
    pub(crate) fn new(kind: EntryKind, page: u32) -> Self {
        Self {
            kind,
            page: page as usize,
            entries: Vec::new(),
            counts: Vec::new(),
            written: 0,
            list: PageList::default(),
        }
    }

    /// Adds entries. If they are cells, `counts` has the number of points that each stands for; it
    /// is empty for points. Returns the pages that are complete now, encoded.
    pub(crate) fn add(&mut self, entries: &[Point], counts: &[u32]) -> Vec<Vec<u8>> {
        self.entries.extend_from_slice(entries);
        self.counts.extend_from_slice(counts);
        if self.entries.len() < self.page * AT_ONCE {
            return Vec::new();
        }
        let whole = self.entries.len() / self.page * self.page;
        self.encode(whole)
    }

    /// Returns the pages of the entries that still wait, encoded.
    pub(crate) fn finish(&mut self) -> Vec<Vec<u8>> {
        self.encode(self.entries.len())
    }

    fn encode(&mut self, count: usize) -> Vec<Vec<u8>> {
        let (kind, size) = (self.kind, self.page);
        let entries = self.entries.get(..count).unwrap_or(&self.entries);
        let encode = |(number, entries): (usize, &[Point])| {
            let first = number * size;
            let counts = self.counts.get(first..first + entries.len());
            page::encode(kind, entries, counts.unwrap_or_default())
        };
        let pages: Vec<Vec<u8>> = entries.par_chunks(size).enumerate().map(encode).collect();
        pages.iter().for_each(|page| self.list.add(page));
        self.written += count as u64;
        self.entries.drain(..count.min(self.entries.len()));
        self.counts.drain(..count.min(self.counts.len()));
        pages
    }

    /// Returns the record of the stream. Its list of directories is empty, since they aren't
    /// written yet.
    pub(crate) fn record(&self, depth: u32) -> StreamRecord {
        StreamRecord {
            kind: PageKind::Entries(self.kind),
            depth,
            entries: self.written,
            directories: Vec::new(),
        }
    }
}

/// Nodes of one depth that wait until they fill a page.
#[derive(Debug)]
pub(crate) struct NodeStream {
    page: usize,
    nodes: Vec<StoredNode>,
    written: u64,
    /// Two numbers about the nodes of complete pages: how many nodes of the next depth are inside
    /// them, and how many cells they have.
    before: (u64, u64),
    pub(crate) list: PageList,
}

impl NodeStream {
    pub(crate) fn new(page: u32) -> Self {
        Self {
            page: page as usize,
            nodes: Vec::new(),
            written: 0,
            before: (0, 0),
            list: PageList::default(),
        }
    }

    /// Returns the number of all nodes, the waiting ones included.
    pub(crate) fn len(&self) -> u64 {
        self.written + self.nodes.len() as u64
    }

    /// Returns the number of nodes of the next depth that are inside the nodes of complete pages.
    pub(crate) fn inner(&self) -> u64 {
        self.before.0
    }

    /// Adds a node. Returns the page that it completes, encoded; `None` if it completes none.
    pub(crate) fn add(&mut self, node: StoredNode) -> Option<Vec<u8>> {
        self.nodes.push(node);
        (self.nodes.len() == self.page).then(|| self.encode())
    }

    /// Returns the page of the nodes that still wait, encoded; `None` if none wait.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        (!self.nodes.is_empty()).then(|| self.encode())
    }

    fn encode(&mut self) -> Vec<u8> {
        let page = node_page::encode(&self.nodes, self.before.0, self.before.1);
        for node in self.nodes.drain(..) {
            self.before.0 += u64::from(node.inner.count_ones());
            self.before.1 += u64::from(node.cells);
            self.written += 1;
        }
        self.list.add(&page);
        page
    }

    /// Returns the record of the stream. Its list of directories is empty, since they aren't
    /// written yet.
    pub(crate) fn record(&self, depth: u32) -> StreamRecord {
        StreamRecord {
            kind: PageKind::Nodes,
            depth,
            entries: self.written,
            directories: Vec::new(),
        }
    }
}

/// Pages that wait for their place in the file: in memory, or, if they are many, in a temporary
/// file.
#[derive(Debug)]
pub(crate) struct Spool {
    path: PathBuf,
    file: Option<File>,
    memory: Vec<u8>,
    len: u64,
}

impl Spool {
    /// Makes an empty spool. If its pages become many, they go to a new file at `path`.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            memory: Vec::new(),
            len: 0,
        }
    }

    pub(crate) fn write(&mut self, page: &[u8]) -> Result<(), WriteError> {
        self.memory.extend_from_slice(page);
        self.len += page.len() as u64;
        if self.memory.len() > IN_MEMORY {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), WriteError> {
        if self.file.is_none() {
            let mut options = File::options();
            let options = options.read(true).write(true).create(true).truncate(true);
            self.file = Some(options.open(&self.path).at(&self.path)?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.memory).at(&self.path)?;
        }
        self.memory.clear();
        Ok(())
    }

    /// Copies all pages to the end of a file, and removes the spool's own file. Returns the number
    /// of bytes that were copied.
    pub(crate) fn copy_to(mut self, to: &mut File, to_path: &Path) -> Result<u64, WriteError> {
        if let Some(mut file) = self.file.take() {
            file.rewind().at(&self.path)?;
            io::copy(&mut file, to).at(to_path)?;
            drop(file);
            // A file that can't be removed is only in the way.
            let _ = std::fs::remove_file(&self.path);
        }
        to.write_all(&self.memory).at(to_path)?;
        Ok(self.len)
    }
}
