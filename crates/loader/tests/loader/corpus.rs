//! Replay of `fuzz/corpus`: the inputs from which the fuzz targets started, and the inputs by which
//! they found faults.

use crate::Folder;
use crate::robustness::{TARGETS, attempt};
use std::collections::BTreeSet;
use std::fs::read_dir;
use std::path::Path;

#[test]
fn every_find_of_the_fuzz_targets_is_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let names = |path: &Path| -> BTreeSet<String> {
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let all = read_dir(path).unwrap().map(name);
        all.map(|name| name.into_string().unwrap()).collect()
    };
    assert_eq!(names(&corpus), TARGETS.map(str::to_owned).into());
    for target in TARGETS {
        let folder = Folder::new(&format!("corpus-{target}"));
        let (mut whole, mut all) = (0, 0);
        for name in names(&corpus.join(target)) {
            // LZW is read by a library of the feature `readers`.
            if name.contains("lzw") && cfg!(not(feature = "readers")) {
                continue;
            }
            let bytes = std::fs::read(corpus.join(target).join(&name)).unwrap();
            let found = attempt(&folder.0, target, &bytes);
            // Some inputs must be valid. They show that the target reaches the code that it tests.
            if name.starts_with("whole") {
                assert!(
                    found.as_ref().is_ok_and(|kept| *kept > 0),
                    "{target}/{name}: {found:?}"
                );
                whole += 1;
            }
            all += 1;
        }
        assert!(whole > 0 && all > whole, "{target}: {whole} of {all}");
    }
}
