//! Disguises of one and the same command, and what looks like one.

use serde_json::json;

use crate::policy::{
    ToolCall,
    effects::{Effects, Place},
};

fn effects(command: &str) -> Vec<String> {
    let call = ToolCall::new("Bash", json!({ "command": command }).to_string());
    let place = Place {
        cwd: Some("/home/me/shop".to_owned()),
        home: Some("/home/me".to_owned()),
        project: None,
    };
    let effects = Effects::of(&call, &place);
    effects.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn all_do(expected: &str, commands: &[&str]) {
    let fails = |command: &&&str| !effects(command).iter().any(|one| one == expected);
    let failed: Vec<_> = commands.iter().filter(fails).collect();
    let found: Vec<_> = failed.iter().map(|command| effects(command)).collect();
    assert!(failed.is_empty(), "{expected}: {failed:#?} {found:#?}");
}

#[track_caller]
fn none_does(unexpected: &str, commands: &[&str]) {
    for command in commands {
        let found = effects(command);
        assert!(
            !found.iter().any(|one| one.starts_with(unexpected)),
            "{command}: {found:?}"
        );
    }
}

#[test]
fn words_are_what_a_shell_makes_of_them() {
    all_do(
        "delete(/etc)",
        &[
            r"x=(r m); printf -v c '%s' ${x[@]}; $c -rf /etc",
            r"read -r a b <<< 'rm -rf'; $a $b /etc",
            r"IFS=, read a b c <<< 'rm,-rf,/etc'; $a $b $c",
            r"IFS=,; set -- rm,-rf,/etc; $1",
            r"set -- rm -rf /etc; $@",
            r"mapfile -t a < <(printf '%s\n' rm -rf /etc); ${a[@]}",
            r"a=rm; b=a; ${!b} -rf /etc",
            r"a='\x72\x6d'; ${a@E} -rf /etc",
            r"a=RM; ${a,,} -rf /etc",
            r"a=xrmx; ${a:1:2} -rf ${PATH:0:1}etc",
            r"a=xrmx; ${a:n+1:4/2} -rf /etc; n=0",
            r"declare -A m=([a]=rm [b]=/etc); ${m[a]} -rf ${m[b]}",
            r"m[3]=rm; m[4]=/etc; ${m[3]} -rf ${m[2+2]}",
            r"$'\u0072\u006d' -rf /etc",
            r"$(printf %b '\0162\0155') -rf /etc",
            r"$(printf '\162\155') -rf /etc",
            r#"$(printf "\\$(printf '%03o' 114)\\$(printf '%03o' 109)") -rf /etc"#,
            r"$(printf '%.2s' rmdir) -rf /etc",
            r"$(echo -e '\x72m') -rf /etc",
            r"$(rev <<< mr) -rf /etc",
            r"$(tr b-s a-r <<< sn) -rf /etc",
            r"$(tr -dc a-z <<< R-rM.m) -rf /etc",
            r"$(echo 726d | xxd -r -p) -rf /etc",
            r"$(echo '00000000: 726d' | xxd -r) -rf /etc",
            r"$(base32 -d <<< OJWQ====) -rf /etc",
            r"$(openssl enc -base64 -d <<< cm0=) -rf /etc",
            r"$(echo en | tr a-z n-za-m | rot13) x; echo 'ez -es /rgp' | tr a-z n-za-m | sh",
            r"$(sed 's/x//g;y/ab/rm/' <<< xaxb) -rf /etc",
            r"$(cut -c2-3 <<< xrmx) -rf /etc",
            r"$(cut -d, -f2 <<< a,rm) -rf /etc",
            r"eval $(printf '%s ' rm -rf /etc)",
            r"bash <(echo rm -rf /etc)",
            r". /dev/stdin <<< 'rm -rf /etc'",
            r"source <(echo 'x=rm'); $x -rf /etc",
            r"bash -s <<< 'rm -rf /etc'",
            r"for ((i=0;i<2;i++)); do c+=${w:i*2:1}; done; w=rxmx; for ((i=0;i<2;i++)); do d+=${w:i*2:1}; done; $d -rf /etc",
            r"i=0; w=rm; while [ $i -lt 2 ]; do d=$d${w:i:1}; i=$((i+1)); done; ${d:-x} -rf /etc; d=; i=0; while [ $i -lt 2 ]; do d=$d${w:i:1}; i=$((i+1)); done; $d -rf /etc",
        ],
    );
}

#[test]
fn commands_are_followed_into_those_that_run_them() {
    all_do(
        "delete(/etc)",
        &[
            r"env -S 'rm -rf /etc'",
            r"env -i -S'rm -rf' /etc",
            r"env -C / rm -rf etc",
            r"ls() { :; }; alias x='rm -rf'; x /etc",
            r"rm() { :; }; command rm -rf /etc",
            r"ls() { rm -rf /etc; }; ls",
            r"hash -p /bin/rm ls; ls -rf /etc",
            r"builtin eval 'rm -rf /etc'",
            r"(exec -a x rm -rf /etc)",
            r"coproc rm -rf /etc",
            r"trap '$x -rf /etc' EXIT; x=rm",
            r"PS4='$(rm -rf /etc)'; set -x; ls",
            r"echo 'rm -rf /etc' > /tmp/e; BASH_ENV=/tmp/e bash -c :",
            r#"echo "'rm' -rf /etc" | xargs env"#,
            r"echo rm,-rf,/etc | xargs -d, env",
            r"printf '%s\0' -rf /etc | xargs -0 rm",
            r"echo /etc | xargs -I{} sh -c 'rm -rf {}'",
            r"printf 'a /tmp/x b /etc' | xargs -n2 sh -c 'rm -rf $1' ",
            r"case x in y) ;; *) rm -rf /etc;; esac",
            r"if false; then :; else rm -rf /etc; fi",
            r"x=rm; false && x=ls; $x -rf /etc",
            r"x=rm; (x=ls); $x -rf /etc",
            r"if true; then x=rm; else x=ls; fi; $x -rf /etc",
            r"x=rm; echo y | x=ls; echo z | cat; [ a = b ] && x=ls; rm -rf /etc",
            r"cp /bin/rm /tmp/helper; /tmp/helper -rf /etc",
            r"cd /; pushd /tmp; popd; rm -rf etc",
            r"sed '1e rm -rf /etc' README.md",
            r"find / -maxdepth 1 -name etc -exec rm -rf {} +",
            r"ssh localhost 'cd /; rm -rf etc'",
            r"doppler run -- rm -rf /etc",
            r"setpriv --reuid 0 rm -rf /etc",
        ],
    );
}

#[test]
fn patterns_are_what_they_are_there_to_mean() {
    for (command, expected) in [
        ("cat ~/.ss?/id_*", "read(~/.ssh/id_rsa)"),
        ("cat .[e]nv", "read(~/shop/.env)"),
        (
            "tee -a ~/.ssh/auth*_keys < k",
            "write(~/.ssh/authorized_keys)",
        ),
        ("cp x /etc/cr?n.hourly/", "copy(~/shop/x, /etc/cron.hourly)"),
        ("cat /e*/s*dow", "read(/etc/shadow)"),
        ("cat /[[:lower:]]tc/shad[!a]w", "read(/etc/shadow)"),
        (
            "rm -rf ../.local/share/lu[t]hien/*",
            "delete(~/.local/share/luthien/*)",
        ),
        (
            "find ~ -name 'id_*' ! -name '*.pub' -exec cat {} +",
            "read(~/$/id_rsa)",
        ),
        ("tar czf - -C ~ .gnup?", "read(~/.gnupg)"),
    ] {
        all_do(expected, &[command]);
    }
    for same in [
        "cat *.json",
        "cat src/*.rs",
        "cat ~/notes/*.md",
        "cat config/*.yaml",
    ] {
        let found = effects(same);
        assert!(
            found.iter().all(|one| one.contains('*')),
            "{same}: {found:?}"
        );
    }
}

#[test]
fn what_grows_without_end_is_told() {
    all_do(
        "exhaust(memory)",
        &[
            "x=ab; while :; do x=$x$x; done",
            "until false; do a+=(x); done",
            "for ((;;)); do s+=$s; done",
        ],
    );
    all_do(
        "exhaust(disk)",
        &[
            "until false; do mktemp -p /var/tmp q.XXXX; done",
            "split -b 512M /dev/zero /dev/shm/x",
            "head -c 900G /dev/zero > /tmp/x",
            "head -c $(df --output=avail / | tail -n1) /dev/zero > /tmp/x",
            "yes | tee x > /dev/null",
            "while [ 1 = 1 ]; do : > f$((i++)); done",
        ],
    );
    all_do(
        "exhaust(processes)",
        &[
            r"echo '$0 & $0 &' > /tmp/x; chmod +x /tmp/x; /tmp/x",
            r#"echo 'nohup sh "$0" & wait' > /tmp/w.sh; sh /tmp/w.sh"#,
            "seq inf | xargs -P0 -I{} env N={} sleep infinity",
        ],
    );
    none_does(
        "exhaust",
        &[
            "for ((i=0;i<10;i++)); do s+=$i; done",
            "while read -r l; do s=$s$l; done < list",
            "while true; do s=$s.; sleep 1; done",
            "i=0; until [ $i -gt 5 ]; do i=$((i+1)); done",
            "head -c 1G /dev/zero > /tmp/x",
            "seq 1 100 > numbers",
        ],
    );
}

#[test]
fn what_is_everyday_is_not_more_than_it_is() {
    for (command, expected) in [
        (
            "find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +",
            "delete(~/shop/$/__pycache__)",
        ),
        (
            "pushd ../x; patch -p1 < \"$OLDPWD/f.diff\"; popd",
            "write(~/x/$)",
        ),
        (
            "t=$(mktemp --suffix=.yaml); rm $t",
            "delete(/tmp/tmp.x.yaml)",
        ),
        ("rsync -an stage/usr/ /usr/", "exec(rsync)"),
        ("n=42; kill $((n*100+n))", "process(kill 4242)"),
        (
            "grep -rl old src | xargs sed -i s/a/b/",
            "write(~/shop/src/$)",
        ),
        ("o() { echo $((16#$1)); }; ping $(o a9).1", "net(169.1)"),
    ] {
        all_do(expected, &[command]);
    }
    none_does(
        "opaque",
        &[
            "cp hook /tmp/h-$$ && chmod +x /tmp/h-$$ && /tmp/h-$$ x",
            "for i in {1..200}; do echo $i; done",
            "set -- a b; for x; do echo \"$x\"; done",
            "trap 'rm -f \"$t\"' EXIT; t=$(mktemp)",
        ],
    );
}

#[test]
fn find_means_the_paths_that_its_patterns_match() {
    all_do(
        "delete(/etc/*)",
        &[
            "find / -path '/etc/*' -delete",
            "find / -wholename '/etc/*' -exec rm -rf {} +",
            "find / -ipath '/ETC/*' -delete",
            "find / -regex '/etc/.*' -delete",
            r"find / -regextype posix-extended -regex '/(home|etc)/.+' -delete",
            r"find / -regex '/\(etc\|usr\)/.*' -print0 | xargs -0 rm -rf",
            "find / \\( -path /proc -prune \\) -o -path '/etc/*' -delete",
        ],
    );
    all_do(
        "delete(~/shop/.git/*)",
        &[
            "find . -path './.git/*' -delete",
            "find . -path '*/.git/*' -delete",
            r"find . -regex '\./\.git/.*' -exec rm -rf {} +",
        ],
    );
    none_does(
        "delete(~/shop/*)",
        &[
            "find . -path './dist/*' -delete",
            r"find . -regex '.*\.pyc' -delete",
            "find . -path '*/__pycache__/*' -delete",
        ],
    );
}

#[test]
fn what_was_packed_is_what_it_was_before() {
    all_do(
        "delete(/etc)",
        &[
            "echo H4sIAAAAAAACAyvKVdAtSlPQTy1J5gIACSAspwwAAAA= | base64 -d | gunzip | sh",
            "base64 -d <<< H4sIAAAAAAACAyvKVdAtSlPQTy1J5gIACSAspwwAAAA= > r.gz && zcat r.gz | sh",
            "base64 -d <<< H4sIAAAAAAACAyvKVdAtSlPQTy1J5gIACSAspwwAAAA= > r.gz; gzip -d r.gz; sh r",
            "base64 -d <<< H4sIAAAAAAACAyvKVdAtSlPQTy1J5gIACSAspwwAAAA= | gunzip > r.sh; chmod +x r.sh; ./r.sh",
            "eval \"$(base64 -d <<< H4sIAAAAAAACAyvKVdAtSlPQTy1J5gIACSAspwwAAAA= | gzip -dc)\"",
            "xxd -r -p <<< 1f8b08000000000002032bca55d02d4a53d04f2d49e6020009202ca70c000000 | unpigz | bash",
            r"printf '\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\xca\x55\xd0\x2d\x4a\x53\xd0\x4f\x2d\x49\xe6\x02\x00\x09\x20\x2c\xa7\x0c\x00\x00\x00' | gunzip | sh",
            "echo eJwrylXQLUpT0E8tSeYCABitA5o= | base64 -d | zlib-flate -uncompress | sh",
        ],
    );
    all_do(
        "opaque(unknown_code)",
        &[
            "echo QlpoOTFBWSZTWXRsaeoAAAVRgAAQQAKLAhQAIAAxADAgNGICRDLhJ+LuSKcKEg6NjT1A | base64 -d | bunzip2 | sh",
            "base64 -d <<< QlpoOTFBWSZTWXRsaeoAAAVRgAAQQAKLAhQAIAAxADAgNGICRDLhJ+LuSKcKEg6NjT1A > r.bz2; bunzip2 r.bz2; sh r",
            "base64 -d blob | xz -d > r.sh && bash r.sh",
            "base64 -d blob | zstd -d > r.py && python3 r.py",
            "zcat job.gz | sh",
        ],
    );
    none_does(
        "opaque",
        &[
            "zcat app.log.gz | grep ERROR | wc -l",
            "xz -dk data.csv.xz && head data.csv",
            "echo H4sIAAAAAAACAyvKVdAtSlPQTy1J5gIACSAspwwAAAA= | base64 -d | gunzip",
            "gzip -9 dist/app.js; sh build.sh",
        ],
    );
}

#[test]
fn branches_that_come_out_of_a_list_are_pushed_like_others() {
    all_do(
        "git(delete_remote main)",
        &[
            "git push origin :main",
            "echo :main | xargs git push origin",
            "for b in x main; do echo \":$b\"; done | xargs -n1 git push origin",
            "git send-pack git@host.example:r.git :main",
        ],
    );
    all_do(
        "git(delete_remote *)",
        &[
            "git branch -r | sed 's#origin/#:#' | xargs git push origin",
            "git for-each-ref --format='%(refname:lstrip=3)' refs/remotes/origin | xargs git push origin --delete",
            "git ls-remote --heads origin | cut -f2 | sed 's/^/:/' | xargs git push origin",
            "git ls-remote --heads origin | while read a b; do git push origin :$b; done",
        ],
    );
    all_do(
        "git(force_push main)",
        &[
            "printf '+HEAD:main' | xargs git push origin",
            "git -c remote.origin.push=+HEAD:main push origin",
            "git config remote.origin.push +HEAD:main && git push",
        ],
    );
    all_do(
        "git(delete_branch *)",
        &["git for-each-ref --format='delete %(refname)' refs/heads | git update-ref --stdin"],
    );
    none_does(
        "git(",
        &[
            "echo feature-x | xargs git push -u origin",
            "git tag -l 'v2.*' | xargs git push origin",
            "git branch --show-current | xargs git push origin",
            "git -c remote.origin.push=HEAD:refs/for/x push origin",
        ],
    );
}

#[test]
fn settings_in_variables_are_settings() {
    all_do(
        "git(clean dx)",
        &[
            "git -c alias.t='clean -fdx' t",
            "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.t GIT_CONFIG_VALUE_0='clean -fdx' git t",
            "export GIT_CONFIG_COUNT=12 GIT_CONFIG_KEY_11=alias.t GIT_CONFIG_VALUE_11='clean -fdx'; git t",
            "env GIT_CONFIG_PARAMETERS=\"'alias.t'='clean -fdx'\" git t",
        ],
    );
    all_do(
        "infrastructure(terraform apply -destroy -auto-approve)",
        &[
            "terraform apply -destroy -auto-approve",
            "TF_CLI_ARGS='-destroy -auto-approve' terraform apply",
            "export TF_CLI_ARGS_apply='-destroy -auto-approve'; terraform apply",
        ],
    );
    none_does(
        "infrastructure",
        &[
            "TF_CLI_ARGS_plan=-destroy terraform plan",
            "TF_CLI_ARGS=-no-color terraform plan",
        ],
    );
}

#[test]
fn a_repository_says_where_its_files_are() {
    all_do(
        "copy(~/shop/h, ~/shop/.git/hooks/pre-commit)",
        &[
            "cp h \"$(git rev-parse --git-path hooks)/pre-commit\"",
            "cp h \"$(git rev-parse --git-path hooks/pre-commit)\"",
            "d=$(git rev-parse --git-dir); cp h $d/hooks/pre-commit",
            "cp h `git rev-parse --show-toplevel`/.git/hooks/pre-commit",
            "cp h $(git rev-parse --show-cdup).git/hooks/pre-commit",
        ],
    );
}

#[test]
fn variables_may_be_told_by_how_they_begin() {
    all_do(
        "environment(ANTHROPIC_B*)",
        &[
            "unset ${!ANTHROPIC_B@}",
            "unset \"${!ANTHROPIC_B*}\"",
            "for v in ${!ANTHROPIC_B@}; do unset $v; done",
            "unset $(compgen -v ANTHROPIC_B)",
            "env $(printf -- '-u %s ' ${!ANTHROPIC_B@}) true",
        ],
    );
    all_do(
        "environment(A_URL)",
        &["declare -n r=A_URL; r=https://x.example"],
    );
    none_does("environment", &["echo ${!ANTHROPIC_B@}", "compgen -v A_"]);
}

#[test]
fn who_names_the_user_means_their_home() {
    all_do(
        "delete(~)",
        &[
            "rm -rf /home/$USER",
            "rm -rf \"/home/$(whoami)\"",
            "rm -rf /Users/$USER/",
        ],
    );
    all_do("delete(~/x)", &["rm -rf /home/$USER/x"]);
    none_does(
        "process(kill_all",
        &[
            "pkill -u $USER -f 'node x.js'",
            "pkill -f 'node x.js' -u $USER",
        ],
    );
    all_do("process(kill_all)", &["pkill -u $USER", "killall -u me"]);
}
