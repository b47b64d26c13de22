use super::*;

async fn toured(plant: Plant) -> (Result<(), Failure>, String) {
    let stage = Stage::set_up(plant).await.unwrap();
    let folder = stage.folder().to_owned();
    let mut page = Page::kept();
    let played = tour::play(&stage, &mut page).await;
    stage.take_down().await;
    assert!(!folder.exists(), "{} stays behind", folder.display());
    (played, page.text().to_owned())
}

#[tokio::test]
async fn the_tour_goes_as_it_should_on_a_page_of_80_columns() {
    let (played, text) = toured(Plant::start().await.unwrap()).await;
    assert_eq!(played, Ok(()), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert_eq!(text.matches("as expected: ").count(), 12, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// A PLC that says yes and does nothing: only its memory tells, and the tour looks there.
#[tokio::test]
async fn a_plc_that_ignores_writes_is_a_surprise() {
    let plant = Plant::start().await.unwrap();
    plant.press().memory().lock().turn_deaf();
    let (played, text) = toured(plant).await;
    let surprise = played.unwrap_err();
    assert_ne!(surprise.kind().exit_code(), crate::failure::EXIT_OK);
    assert!(surprise.what().contains("step 2"), "{surprise}");
    assert!(
        surprise
            .what()
            .contains("expected: the PLC's register goes"),
        "{surprise}"
    );
    assert!(
        surprise.what().contains("came: from 8000 to 8000"),
        "{surprise}"
    );
    assert!(!text.contains("3. "), "it went on:\n{text}");
}

#[tokio::test]
async fn a_plc_that_is_off_is_a_surprise_at_the_first_read() {
    let plant = Plant::start().await.unwrap();
    plant.press().switch_off();
    let (played, _) = toured(plant).await;
    assert!(played.unwrap_err().what().contains("step 1"));
}

#[test]
fn what_is_offered_to_try_is_as_wide_as_the_page() {
    let address = "127.77.0.11:1502".parse().unwrap();
    for line in ["press-4", "pump-2"]
        .map(|device| stay::mbpoll(device, address))
        .concat()
    {
        assert!(line.chars().count() + 3 <= 80, "{line}");
        assert!(line.contains(" -p 1502 127.77.0.11"), "{line}");
    }
}

#[test]
fn a_path_goes_into_a_shell_as_it_is() {
    let quoted = |path: &str| stay::quoted(std::path::Path::new(path));
    assert_eq!(quoted("/opt/interlock-0.1"), "/opt/interlock-0.1");
    assert_eq!(quoted("/my tools/it's"), "'/my tools/it'\\''s'");
}
