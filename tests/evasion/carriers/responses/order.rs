//! Items where none may be.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let call = carriers.mark.call();
    let begun = || Talk::new().text(0);
    carriers.add(
        "a call behind the end",
        begun().end().call(1, &call).explained(Expect::Over),
    );
    carriers.add(
        "a call and another end behind the end",
        begun().end().call(1, &call).end().explained(Expect::Over),
    );
    carriers.add(
        "a second end with the call in it",
        begun()
            .end()
            .ends("completed", &[text(), full(&call)])
            .explained(Expect::Over),
    );
    carriers.add(
        "a call before response.created",
        Talk {
            events: [
                Talk::new().call(0, &call).events.split_off(2),
                begun().end().events,
            ]
            .concat(),
            output: Vec::new(),
        }
        .explained(Expect::Refused),
    );
}
