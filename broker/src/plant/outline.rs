//! What a faulty `plant.toml` still says, for the checks of other files: one mistake in a point
//! must not hide those in the policy.

use toml_span::Value;

/// The names in a `plant.toml`, whether or not the rest of it is right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline {
    site: String,
    devices: Vec<(String, String)>,
}

impl Outline {
    /// Reads the names; `None` where the text is no TOML or does not name its site.
    pub fn read(text: &str) -> Option<Outline> {
        let parsed = toml_span::parse(text).ok()?;
        let site = parsed.pointer("/site").and_then(Value::as_str)?.to_owned();
        let devices = parsed.pointer("/device").and_then(Value::as_array);
        let names = |device: &Value<'_>| {
            let word = |key| device.pointer(key).and_then(Value::as_str);
            Some((word("/name")?.to_owned(), word("/zone")?.to_owned()))
        };
        Some(Outline {
            site,
            devices: devices.into_iter().flatten().filter_map(names).collect(),
        })
    }

    /// The site's name.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Each device's name and zone.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &str)> {
        let devices = self.devices.iter();
        devices.map(|(name, zone)| (name.as_str(), zone.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_else_is_wrong() {
        let text = r#"
site = "waterworks"
[[device]]
name = "press-4"
zone = "dewatering"
addres = 5
[[device]]
zone = "intake"
"#;
        let outline = Outline::read(text).unwrap();
        assert_eq!(outline.site(), "waterworks");
        let devices: Vec<_> = outline.devices().collect();
        assert_eq!(devices, [("press-4", "dewatering")]);
        assert_eq!(Outline::read("site = \"waterworks\"\n[[device"), None);
        assert_eq!(Outline::read("sit = \"waterworks\""), None);
    }
}
