//! A host that lost its epoch cannot persist a byte.

use futures_util::future::join;
use tabraft_web::host::disk::DiskError;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hand::{
    batch, batch_of, batch_with_snapshot, filled, fresh, listen, open, seqs, stored,
};

const LOST: DiskError = DiskError::LostEpoch { ours: 1, found: 2 };

#[wasm_bindgen_test]
async fn the_old_host_writes_nothing_more() {
    let cluster = fresh("old");
    let old = filled(&cluster, 2).await;
    let heard = listen(&old);
    let new = open(&cluster).await.disk;
    let before = stored(&cluster).await;

    assert_eq!(old.write(&batch_with_snapshot(3, 2)).await, Err(LOST));
    assert!(stored(&cluster).await == before);
    new.write(&batch_of(3, b"new")).await.expect("the new host");
    let after = stored(&cluster).await;
    assert_eq!(old.write(&batch_of(4, b"old")).await, Err(LOST));
    assert_eq!(old.write(&batch_of(3, b"old")).await, Err(LOST));
    assert!(stored(&cluster).await == after);
    assert_eq!(*heard.borrow(), [LOST]);
    assert_eq!(LOST.code(), "LOST_EPOCH");
}

/// The new host has already written the record that the old one comes with.
#[wasm_bindgen_test]
async fn a_lost_epoch_goes_before_a_record_that_exists() {
    let cluster = fresh("both");
    let old = filled(&cluster, 2).await;
    let new = open(&cluster).await.disk;
    new.write(&batch_of(3, b"new")).await.expect("the new host");
    let after = stored(&cluster).await;
    assert_eq!(old.write(&batch_of(3, b"old")).await, Err(LOST));
    assert!(stored(&cluster).await == after);
}

#[wasm_bindgen_test]
async fn of_three_hosts_the_last_one_writes() {
    let cluster = fresh("three");
    let first = filled(&cluster, 1).await;
    let second = open(&cluster).await.disk;
    let third = open(&cluster).await.disk;
    let lost = |ours| Err(DiskError::LostEpoch { ours, found: 3 });
    assert_eq!(second.write(&batch(2)).await, lost(2));
    assert_eq!(first.write(&batch(2)).await, lost(1));
    assert_eq!(third.write(&batch(2)).await, Ok(()));
}

/// One host writes as fast as it can while another opens the disk. Whatever the first was told is
/// durable the second has read, and it has read nothing else; and both orders occur.
#[wasm_bindgen_test]
async fn what_the_old_host_was_told_is_what_the_new_one_reads() {
    let mut took_over_mid_write = 0;
    for round in 0..20 {
        let cluster = fresh("race");
        let old = filled(&cluster, 1).await;
        let writing = async {
            let mut written = vec![1];
            for seq in 2..500 {
                match old.write(&batch_of(seq, b"old")).await {
                    Ok(()) => written.push(seq),
                    Err(error) => {
                        assert_eq!(error, LOST);
                        return written;
                    }
                }
            }
            panic!("the old host was never fenced");
        };
        // The opening is asked for before the first write or after it.
        let (written, opened) = if round % 2 == 0 {
            join(writing, open(&cluster)).await
        } else {
            let (opened, written) = join(open(&cluster), writing).await;
            (written, opened)
        };
        assert_eq!(seqs(&opened.tables), written);
        assert!(stored(&cluster).await == opened.tables);
        took_over_mid_write += u32::from(written.len() > 1);
    }
    assert!(took_over_mid_write > 0);
}
