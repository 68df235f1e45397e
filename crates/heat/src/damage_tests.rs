//! Tests of damaged and hostile files: an error or equal cells, never others.

use crate::layout::{HEADER, Section};
use crate::tests::{TestPath, bytes_of, open, small_pages};
use crate::{HeatFile, PageCache};
use heatsplat_points::cancel::{CancelToken, Cancelled};
use heatsplat_points::paged::{POINTS_LEVEL, PagedIndex as _};
use heatsplat_points::{Point, Points, Quad, Window};
use std::sync::Arc;

/// Points in a few clusters, so that there are blocks at several depths.
fn clusters() -> Points {
    let point = |i: u32| Point {
        x: (i % 5) * 800_000_000 + i.wrapping_mul(2_654_435_761) % (1 << (12 + i % 9)),
        y: (i % 3) * 1_300_000_000 + i.wrapping_mul(40_503) % (1 << (10 + i % 11)),
        weight: (i % 97) as f32 / 4.0,
    };
    Points::from_slice(&(0..4_000).map(point).collect::<Vec<_>>())
}

/// All that a file has, by searches at three levels; `None` if something can't be read.
fn content(file: &HeatFile) -> Option<Vec<(u32, u32, u32, u32)>> {
    let mut all = Vec::new();
    for level in [9, 14, POINTS_LEVEL] {
        let world = Window::at_level(8, 0, 0, 256, 256);
        let cells = file.search(level, &world).ok()?;
        for (i, p) in cells.entries.iter().enumerate() {
            let count = cells.counts.get(i).copied().unwrap_or(1);
            all.push((p.x, p.y, p.weight.to_bits(), count));
        }
    }
    Some(all)
}

/// Returns the content of bytes; `None` if they can't be opened or read.
fn content_of(bytes: &[u8]) -> Option<Vec<(u32, u32, u32, u32)>> {
    content(&open(bytes).ok()?)
}

#[test]
fn changed_bits_give_errors_or_equal_cells() {
    let points = clusters();
    let bytes = bytes_of(&points, small_pages());
    let wanted = content_of(&bytes).unwrap();
    let (mut refused, mut verified) = (0, 0);
    let places = 2_000;
    for i in 0..places {
        let at = i * bytes.len() / places;
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (i % 8);
        match content_of(&bytes) {
            None => refused += 1,
            Some(found) => assert!(found == wanted, "byte {at}"),
        }
        let found = open(&bytes).map(|file| file.verify(&mut |_| {}).is_good());
        verified += usize::from(found.unwrap_or(false));
    }
    // Only the reserved bytes between the sections and the first page may change unseen.
    let unused = bytes
        .iter()
        .take(1 << 12)
        .skip(HEADER)
        .filter(|b| **b == 0)
        .count();
    let unseen = unused * places / bytes.len() + 1;
    assert!(places - refused <= places / 2, "{refused}");
    assert!(verified <= unseen, "{verified} of {unseen}");
}

#[test]
fn cut_and_longer_files_are_refused() {
    let bytes = bytes_of(&clusters(), small_pages());
    for i in 0..1_000 {
        let cut = i * bytes.len() / 1_000;
        assert!(open(&bytes[..cut]).is_err(), "{cut}");
    }
    let longer = [&bytes[..], b"more"].concat();
    let error = open(&longer).unwrap_err().to_string();
    assert!(error.contains("it was cut or replaced"), "{error}");
}

/// Gives the changed bytes of a file good checksums everywhere, as a hostile writer does. `file` is
/// the file without changes.
fn sign(bytes: &mut [u8], file: &HeatFile) {
    let mut root = file.root.clone();
    for (number, stream) in (0u8..).zip(&mut root.streams) {
        let pages = file.pages.streams()[usize::from(number)].pages() as usize;
        let directories = stream.directories.iter_mut();
        for (directory, first) in directories.zip((0..pages).step_by(4096)) {
            let here = first..pages.min(first + 4096);
            let start = directory.offset as usize;
            for page in here.clone() {
                let place = file.pages.place(number, page as u32).unwrap();
                let from = place.offset as usize;
                let crc = crc32fast::hash(&bytes[from..from + place.len as usize]);
                let at = start + (page - first) * 8 + 4;
                bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
            }
            directory.crc = crc32fast::hash(&bytes[start..start + here.len() * 8]);
        }
    }
    let section = file.header.section(*b"ROOT").unwrap();
    let here = section.offset as usize..(section.offset + u64::from(section.len)) as usize;
    bytes[here].copy_from_slice(&root.to_bytes());
    sign_root(bytes, file);
}

/// Gives the root and the header good checksums.
fn sign_root(bytes: &mut [u8], file: &HeatFile) {
    let mut header = file.header.clone();
    for section in &mut header.sections {
        let Section { offset, len, .. } = *section;
        let here = offset as usize..offset as usize + len as usize;
        section.crc = crc32fast::hash(&bytes[here]);
    }
    bytes[..HEADER].copy_from_slice(&header.to_bytes());
}

/// Opens, reads and verifies the bytes of a hostile file: it may be refused, or have other cells,
/// but it must end soon. Returns true if it was read to the end.
fn survives(bytes: &[u8]) -> bool {
    let token = CancelToken::new(None, 1 << 31);
    let read = || {
        let Ok(file) = open(bytes) else {
            return false;
        };
        file.verify(&mut |_| {});
        let _ = file.quad_range(Quad::WORLD.child(3).child(0));
        content(&file).is_some()
    };
    token.run(read).unwrap()
}

#[test]
fn hostile_numbers_are_refused_or_harmless() {
    let bytes = bytes_of(&clusters(), small_pages());
    let file = open(&bytes).unwrap();
    let section = file.header.section(*b"ROOT").unwrap();
    let pages_end = file
        .root
        .streams
        .iter()
        .map(|s| s.directories[0].offset)
        .min()
        .unwrap();
    let root = section.offset as usize..(section.offset + u64::from(section.len)) as usize;
    let pages = file.root.streams[0].directories[0].pages as usize..pages_end as usize;
    let directories = pages_end as usize..bytes.len();
    let mut random = 1u64;
    let mut next = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(99);
        (random >> 33) as usize
    };
    for (part, is_root) in [(root, true), (pages, false), (directories, false)] {
        let mut read = 0;
        for i in 0..1_000 {
            let mut changed = bytes.clone();
            for _ in 0..1 + i % 3 {
                let at = part.start + next() % part.len();
                changed[at] = [0, 1, 0x21, 0x7f, 0x80, 0xff, next() as u8][next() % 7];
            }
            match is_root {
                true => sign_root(&mut changed, &file),
                false => sign(&mut changed, &file),
            }
            read += usize::from(survives(&changed));
        }
        assert!(read > 20, "{read}: all are refused, so little is tested");
    }
}

#[test]
fn a_damaged_page_ends_drawing_and_is_named() {
    let points = clusters();
    let path = TestPath::new();
    let mut bytes = bytes_of(&points, small_pages());
    let place = open(&bytes).unwrap().pages.place(0, 11).unwrap();
    bytes[place.offset as usize + 40] ^= 16;
    std::fs::write(&path.0, &bytes).unwrap();
    let cache = Arc::new(PageCache::new(1 << 20));
    let file = Arc::new(HeatFile::open(&path.0, &cache).unwrap());
    let name = path.0.file_name().unwrap().to_string_lossy().into_owned();
    let wanted = format!("page 11 of {name} is damaged");
    let verified = file.verify(&mut |_| {});
    assert_eq!(verified.listed, std::slice::from_ref(&wanted));
    assert_eq!(cache.counters().crc_failures, 1);
    let paged = Points::from_paged(file);
    let world = Window::at_level(8, 0, 0, 256, 256);
    let drawn = CancelToken::default().run(|| paged.cells(&world, 0.0).len());
    match drawn {
        Err(Cancelled::Unreadable(error)) => assert_eq!(error.to_string(), wanted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pages_are_read_once_and_neighbours_together() {
    let points = clusters();
    let bytes = bytes_of(&points, small_pages());
    let cache = Arc::new(PageCache::new(1 << 24));
    let file = HeatFile::from_source(Box::new(bytes), &cache).unwrap();
    let world = Window::at_level(8, 0, 0, 256, 256);
    file.search(POINTS_LEVEL, &world).unwrap();
    let first = cache.counters();
    assert!(
        first.pages_read > 30 && first.page_bytes > 10_000,
        "{first:?}"
    );
    file.search(POINTS_LEVEL, &world).unwrap();
    let second = cache.counters();
    assert_eq!(second.pages_read, first.pages_read);
    assert!(second.page_hits >= first.page_hits + 31, "{second:?}");
    // A cache without room reads pages of points again.
    let cache = Arc::new(PageCache::new(0));
    let file = HeatFile::from_source(Box::new(bytes_of(&points, small_pages())), &cache).unwrap();
    file.search(POINTS_LEVEL, &world).unwrap();
    let first = cache.counters().pages_read;
    file.search(POINTS_LEVEL, &world).unwrap();
    assert!(cache.counters().pages_read >= first + 31);
}
