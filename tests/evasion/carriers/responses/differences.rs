//! Events that say different things of one call. Codex runs what `response.output_item.done` says.

use super::*;

pub(super) fn add(carriers: &mut Carriers) {
    let (call, harmless) = (carriers.mark.call(), carriers.mark.harmless());
    let begun = || Talk::new().text(0);
    carriers.add(
        "harmless deltas, the call in response.output_item.done",
        begun()
            .begin(1, &harmless)
            .inputs(1, &harmless)
            .said(1, &harmless)
            .done(1, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    let ended = |talk: Talk, last: &Call| {
        let output = [text(), full(last)];
        talk.ends("completed", &output)
    };
    carriers.add(
        "the call in deltas, harmless in response.output_item.done",
        ended(
            begun()
                .begin(1, &call)
                .inputs(1, &call)
                .said(1, &call)
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "harmless everywhere, the call in response.completed",
        ended(
            begun()
                .begin(1, &harmless)
                .inputs(1, &harmless)
                .said(1, &harmless)
                .only_done(1, &full(&harmless)),
            &call,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "the call everywhere, harmless in response.completed",
        ended(
            begun()
                .begin(1, &call)
                .inputs(1, &call)
                .said(1, &call)
                .only_done(1, &full(&call)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "the call in function_call_arguments.done, harmless elsewhere",
        ended(
            begun()
                .begin(1, &harmless)
                .inputs(1, &harmless)
                .said(1, &call)
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "the call in response.output_item.added, harmless elsewhere",
        ended(
            begun()
                .added(1, &function(&call, "in_progress"))
                .inputs(1, &harmless)
                .said(1, &harmless)
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
    carriers.add(
        "a call that response.completed leaves out",
        begun()
            .begin(1, &call)
            .inputs(1, &call)
            .said(1, &call)
            .only_done(1, &full(&call))
            .ends("completed", &[text()])
            .explained(explained()),
    );
    carriers.add(
        "the call done twice, harmless first",
        begun()
            .call(1, &harmless)
            .only_done(1, &full(&call))
            .end()
            .explained(Expect::Refused),
    );
    carriers.add(
        "the call done twice, harmless last",
        ended(
            begun()
                .begin(1, &call)
                .inputs(1, &call)
                .said(1, &call)
                .only_done(1, &full(&call))
                .only_done(1, &full(&harmless)),
            &harmless,
        )
        .explained(Expect::Refused),
    );
}
