//! The tree against the standard, against a naive one, and against the `tlog_tiles` crate.

use proptest::prelude::*;
use tlog_tiles::{HashReader, stored_hashes, tree_hash};

use super::*;
use crate::journal::tree::tiles::{levels, read_tile};
use crate::limits::TREE_TILE_HASHES;

/// As RFC 6962 section 2.1 words it: split at the largest power of two below the size.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty(),
        [one] => *one,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            Hash::node(naive(left), naive(right))
        }
    }
}

fn leaves(count: usize) -> Vec<Hash> {
    let leaf = |number: usize| Hash::leaf(&number.to_be_bytes());
    (0..count).map(leaf).collect()
}

fn grown(leaves: &[Hash]) -> Tree {
    let mut tree = Tree::new();
    leaves.iter().for_each(|leaf| tree.append(*leaf));
    tree
}

/// The data and roots that implementations of RFC 6962 are commonly tried with.
#[test]
fn the_known_vectors() {
    let data: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    for (root, datum) in roots.iter().zip(data.iter().map(Some).chain([None])) {
        let found: String = tree
            .root()
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .concat();
        assert_eq!(&found, root, "{} leaves", tree.size());
        if let Some(datum) = datum {
            tree.append(Hash::leaf(datum));
        }
    }
}

#[test]
fn tiles_have_the_paths_of_the_standard() {
    let path = |level, number, width| {
        Tile {
            level,
            number,
            width,
        }
        .path()
    };
    assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(path(1, 0, 17), "tile/1/000.p/17");
    assert_eq!(path(0, 273, 112), "tile/0/273.p/112");
    // The example of the standard: a tree of 70,000.
    let width = |level, number| Tile::at(level, number, 70_000).map(|tile| tile.width);
    assert_eq!(
        (width(0, 272), width(0, 273), width(0, 274)),
        (Some(256), Some(112), None)
    );
    assert_eq!(
        (width(1, 0), width(1, 1), width(2, 0)),
        (Some(256), Some(17), Some(1))
    );
    assert_eq!(levels(70_000), 3);
    assert_eq!((width(3, 0), levels(0)), (None, 0));
}

struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[*index as usize])
            .collect())
    }
}

#[test]
fn roots_and_tiles_are_those_of_the_crate() {
    let (mut tree, mut stored) = (Tree::new(), Stored(Vec::new()));
    let tiles = MemoryTiles::new();
    let mut store = tiles.store();
    for number in 0..1500_u64 {
        let datum = number.to_be_bytes();
        let hashes = stored_hashes(number, &datum, &stored).unwrap();
        stored.0.extend(hashes);
        tree.append(Hash::leaf(&datum));
        assert_eq!(
            tree.root().bytes(),
            &tree_hash(number + 1, &stored).unwrap().0
        );
        if number % 97 != 0 && number != 1499 {
            continue;
        }
        tree.write(store.as_mut()).unwrap();
        let size = number + 1;
        for tile in tlog_tiles::Tile::new_tiles(8, 0, size) {
            let ours = Tile::at(tile.level().into(), tile.level_index(), size).unwrap();
            assert_eq!(ours.path(), tile.path().replacen("tile/8/", "tile/", 1));
            let bytes = store.read(&ours.path()).unwrap();
            assert_eq!(bytes.unwrap(), tile.read_data(&stored).unwrap(), "{ours:?}");
        }
    }
}

#[test]
fn a_partial_tile_is_read_from_a_wider_one() {
    let tiles = MemoryTiles::new();
    let mut store = tiles.store();
    let all = leaves(400);
    let mut tree = grown(&all);
    tree.write(store.as_mut()).unwrap();
    for size in [1_usize, 255, 256, 257, 399, 400] {
        let loaded = Tree::load(store.as_ref(), size as u64).unwrap().unwrap();
        assert_eq!(loaded.root(), naive(&all[..size]), "{size}");
    }
    assert_eq!(Tree::load(store.as_ref(), 401).unwrap(), None);
    // A tile of another length than its name says is none.
    store.write("tile/0/001.p/144", &[1; 100]).unwrap();
    let tile = Tile::at(0, 1, 400).unwrap();
    assert_eq!(read_tile(store.as_ref(), tile).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_tree_is_the_naive_one_however_it_is_cut(size in 0_usize..70_000, cut in 0.0..1.0) {
        let all = leaves(size);
        let cut = (size as f64 * cut) as usize;
        let tiles = MemoryTiles::new();
        let mut store = tiles.store();
        let mut tree = grown(&all[..cut]);
        tree.write(store.as_mut()).unwrap();
        let mut tree = Tree::load(store.as_ref(), cut as u64).unwrap().unwrap();
        prop_assert_eq!(tree.root(), naive(&all[..cut]));
        // The rest as a verification adds it: whole tiles where they fit.
        let mut rest = &all[cut..];
        while let Some(leaf) = rest.first() {
            if tree.is_aligned() && rest.len() >= TREE_TILE_HASHES {
                let (tile, later) = rest.split_at(TREE_TILE_HASHES);
                tree.append_tile(Hash::subtree(tile));
                rest = later;
            } else {
                tree.append(*leaf);
                rest = &rest[1..];
            }
        }
        prop_assert_eq!(tree.size(), size as u64);
        prop_assert_eq!(tree.root(), naive(&all));
    }
}
