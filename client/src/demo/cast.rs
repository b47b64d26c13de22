//! The people of the demo, as the sample site's groups know them.

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Person {
    /// An operator of the plant.
    Olga,
    /// A vendor's technician, who does nothing here without a maintenance window.
    Victor,
    /// Somebody of the plant who may approve maintenance windows.
    Arno,
    /// An administrator of the gateway.
    Adam,
    /// An auditor.
    Aida,
}

impl Person {
    /// All of them.
    pub(super) const ALL: [Person; 5] = [
        Person::Olga,
        Person::Victor,
        Person::Arno,
        Person::Adam,
        Person::Aida,
    ];

    /// What they are called, and their profile's folder.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Person::Olga => "olga",
            Person::Victor => "victor",
            Person::Arno => "arno",
            Person::Adam => "adam",
            Person::Aida => "aida",
        }
    }

    /// Whom their certificate names, without the site.
    pub(super) const fn subject(self) -> &'static str {
        match self {
            Person::Olga => "person/olga",
            Person::Victor => "vendor/acme/victor",
            Person::Arno => "person/arno",
            Person::Adam => "person/adam",
            Person::Aida => "person/aida",
        }
    }
}
