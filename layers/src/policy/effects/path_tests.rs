//! What paths mean, in different places.

use super::{PathRef, Place, Scope, mark};

fn here() -> Place {
    Place {
        cwd: Some("/home/me/shop".into()),
        home: Some("/home/me".into()),
        project: None,
    }
}

#[test]
fn a_path_is_where_it_leads() {
    for (written, resolved, scope) in [
        ("/", "/", Scope::Root),
        ("//", "/", Scope::Root),
        ("/usr/../..", "/", Scope::Root),
        ("/etc//passwd", "/etc/passwd", Scope::System),
        ("~", "~", Scope::Home),
        ("~/.ssh/id_rsa", "~/.ssh/id_rsa", Scope::InHome),
        ("/home/me/", "~", Scope::Home),
        ("/home/you", "/home/you", Scope::Home),
        ("/Users/you/x", "/Users/you/x", Scope::InHome),
        ("/home", "/home", Scope::System),
        (".", "~/shop", Scope::Project),
        ("src/../dist", "~/shop/dist", Scope::Below),
        ("..", "~", Scope::Home),
        ("../..", "/home", Scope::System),
        ("../other", "~/other", Scope::InHome),
        ("../shop-fix/x", "~/shop-fix/x", Scope::Beside),
        ("../shop2", "~/shop2", Scope::Beside),
        ("../shopping", "~/shopping", Scope::InHome),
        ("../shop-backup", "~/shop-backup", Scope::InHome),
        ("/tmp/x", "/tmp/x", Scope::Temporary),
        ("/tmp/../etc", "/etc", Scope::System),
        ("/dev/sda1", "/dev/sda1", Scope::Device),
        ("/dev/null", "/dev/null", Scope::System),
        ("/workspace/x", "/workspace/x", Scope::Elsewhere),
    ] {
        let path = PathRef::new(written, &here());
        assert_eq!(
            (path.resolved.as_str(), path.scope),
            (resolved, scope),
            "{written}"
        );
    }
}

#[test]
fn what_is_not_known_stays_a_name() {
    for (written, resolved, scope) in [
        ("x", "./x", Scope::Below),
        (".", ".", Scope::Project),
        ("..", "..", Scope::Above),
        ("../x", "../x", Scope::Elsewhere),
        ("~/x", "~/x", Scope::InHome),
        ("~/..", "/home", Scope::System),
    ] {
        let path = PathRef::new(written, &Place::default());
        assert_eq!(
            (path.resolved.as_str(), path.scope),
            (resolved, scope),
            "{written}"
        );
    }
    let written = format!("{}/", mark::UNSET);
    let path = PathRef::within(&written, ".", &Place::default());
    assert_eq!((path.resolved.as_str(), path.scope), ("$", Scope::Unknown));
    assert_eq!(path.collapsed.unwrap().scope, Scope::Root);
}

#[test]
fn a_star_at_the_end_means_all_that_is_there() {
    for (written, shown, all) in [
        (format!("/{}", mark::STAR), "/*", true),
        (format!("~/.{}", mark::STAR), "~/*", true),
        (format!("x/{}.pyc", mark::STAR), "./x/*.pyc", false),
        ("x/*".to_owned(), "./x/*", false),
    ] {
        let path = PathRef::within(&written, ".", &Place::default());
        assert_eq!(
            (path.to_string().as_str(), path.all),
            (shown, all),
            "{written}"
        );
    }
}
