//! What functions of libraries do, in each language.

use super::{effects, told, with_code};
use crate::policy::effects::Act;

#[track_caller]
fn all_do(program: &str, cases: &[(&str, &str)]) {
    let missed: Vec<_> = cases
        .iter()
        .filter_map(|(code, effect)| {
            let effects = effects(program, code);
            let has = effects.iter().any(|found| found == effect);
            (!has).then(|| format!("{code}: no {effect} in {effects:?}"))
        })
        .collect();
    assert!(missed.is_empty(), "{program}\n{}", missed.join("\n"));
}

#[test]
fn python_does_what_it_says() {
    all_do(
        "python3",
        &[
            (
                "import shutil; shutil.move('/etc/a', '/tmp/b')",
                "move(/etc/a, /tmp/b)",
            ),
            (
                "from pathlib import Path; Path('/etc/a').rename('/etc/b')",
                "move(/etc/a, /etc/b)",
            ),
            (
                "from pathlib import Path; Path('/etc/a').replace('/etc/b')",
                "move(/etc/a, /etc/b)",
            ),
            (
                "from pathlib import Path; Path('/etc/a').hardlink_to('/tmp/b')",
                "copy(/tmp/b, /etc/a)",
            ),
            (
                "from pathlib import Path; Path('/etc/a').symlink_to('/tmp/b')",
                "copy(/tmp/b, /etc/a)",
            ),
            (
                "from pathlib import Path; (Path('/etc') / 'a').write_text('x')",
                "write(/etc/a)",
            ),
            (
                "from pathlib import Path; Path('/etc/a').unlink(missing_ok=True)",
                "delete(/etc/a)",
            ),
            (
                "import os; os.open('/etc/a', os.O_WRONLY | os.O_TRUNC)",
                "write(/etc/a)",
            ),
            ("import os; os.truncate('/etc/a', 0)", "write(/etc/a)"),
            (
                "import os; os.symlink('/tmp/x', '/etc/a')",
                "copy(/tmp/x, /etc/a)",
            ),
            ("import os; os.makedirs('/etc/a')", "write(/etc/a)"),
            (
                "import os; os.remove(os.path.join('/usr/lib', os.pardir, 'a'))",
                "delete(/usr/a)",
            ),
            (
                "import subprocess as s; s.run(['rm', '-rf', '/etc'])",
                "delete(/etc)",
            ),
            (
                "import subprocess as s; s.Popen('rm -rf /etc', shell=True)",
                "delete(/etc)",
            ),
            (
                "import subprocess as s; s.run(args=['rm', '-rf', '/etc'], check=True)",
                "delete(/etc)",
            ),
            (
                "import subprocess, shlex; subprocess.call(shlex.split('rm -rf \"/etc\"'))",
                "delete(/etc)",
            ),
            (
                "import subprocess; subprocess.run(['sh'], input='rm -rf /etc', text=True)",
                "delete(/etc)",
            ),
            (
                "import os; os.execlp('rm', 'rm', '-rf', '/etc')",
                "delete(/etc)",
            ),
            (
                "import os; os.posix_spawn('/bin/rm', ['rm', '-rf', '/etc'], os.environ)",
                "delete(/etc)",
            ),
            (
                "import os; os.spawnvp(os.P_WAIT, 'rm', ['rm', '-rf', '/etc'])",
                "delete(/etc)",
            ),
            (
                "import pty; pty.spawn(['sh', '-c', 'rm -rf /etc'])",
                "delete(/etc)",
            ),
            (
                "import asyncio\nasync def m():\n    p = await asyncio.create_subprocess_exec('rm', '-rf', '/etc')\nasyncio.run(m())",
                "delete(/etc)",
            ),
            (
                "import asyncio\nasync def m():\n    await asyncio.create_subprocess_shell('rm -rf /etc')\nasyncio.run(m())",
                "delete(/etc)",
            ),
            (
                "import ctypes; ctypes.CDLL(None).system(b'rm -rf /etc')",
                "delete(/etc)",
            ),
            (
                "import ctypes; ctypes.cdll.LoadLibrary('libc.so.6').system(b'rm -rf /etc')",
                "delete(/etc)",
            ),
            (
                "import importlib; importlib.import_module('o' + 's').system('rm -rf /etc')",
                "delete(/etc)",
            ),
            (
                "getattr(__import__('os'), 'sys%s' % 'tem')('rm -rf /etc')",
                "delete(/etc)",
            ),
            (
                "import os; os.system('{} -rf {}'.format('rm', '/etc'))",
                "delete(/etc)",
            ),
            (
                "import os; os.system('%(a)s -rf %(b)s' % {'a': 'rm', 'b': '/etc'})",
                "delete(/etc)",
            ),
            (
                "import os; os.system('%.2s -rf /etc' % 'rmxx')",
                "delete(/etc)",
            ),
            (
                "import os; os.system(bytes([114, 109, 32, 45, 114, 102, 32, 47, 101, 116, 99]).decode())",
                "delete(/etc)",
            ),
            (
                "import os; os.system(bytes.fromhex('726d202d7266202f657463').decode())",
                "delete(/etc)",
            ),
            (
                "import os; os.system(''.join(chr(b ^ 1) for b in b'sl!,sg!.dub'))",
                "delete(/etc)",
            ),
            (
                "import os; os.system((0x726d).to_bytes(2, 'big').decode() + ' -rf /etc')",
                "delete(/etc)",
            ),
            (
                "import zlib, base64 as b; exec(zlib.decompress(b.b64decode('eJzLzC3ILypRyC+2BmK94sriktRcDaWiXAXdojQF/dSSZCVNAORCC9I=')))",
                "delete(/etc)",
            ),
            (
                "import gzip, base64 as b; exec(gzip.decompress(b.b64decode('H4sIAAAAAAACA8vMLcgvKlHIL7YGYr3iyuKS1FwNpaJcBd2iNAX91JJkJU0AchqUQyMAAAA=')))",
                "delete(/etc)",
            ),
            (
                "import os\np = '/tmp/x' if False else '/etc/x'\nos.remove(p)",
                "delete(/etc/x)",
            ),
            (
                "import os\nif 1 == 1:\n    p = '/etc/x'\nelse:\n    p = '/tmp/x'\nos.remove(p)",
                "delete(/etc/x)",
            ),
            ("import sh; sh.rm('-rf', '/etc')", "delete(/etc)"),
            (
                "import fileinput\nfor l in fileinput.input('/etc/a', inplace=True):\n    print(l)",
                "write(/etc/a)",
            ),
            (
                "import zipfile; zipfile.ZipFile('a.zip').extractall('/etc/a')",
                "write(/etc/a)",
            ),
            (
                "import os, signal; os.kill(77, signal.SIGKILL)",
                "process(kill 77)",
            ),
            (
                "import http.client as h; c = h.HTTPConnection('a.example', 81); c.request('POST', '/x')",
                "net(a.example, sends data)",
            ),
            (
                "import socket; s = socket.socket(); s.connect(('a.example', 81)); s.sendall(b'x')",
                "net(a.example, sends data)",
            ),
            (
                "from anthropic import Anthropic; Anthropic(base_url='https://' + 'a.example')",
                "net(a.example)",
            ),
            (
                "import requests; requests.Session().put('https://a.example', data='x')",
                "net(a.example, sends data)",
            ),
        ],
    );
}

#[test]
fn javascript_does_what_it_says() {
    all_do(
        "node",
        &[
            (
                "require('fs').promises.rm('/etc/a', {recursive: true})",
                "delete(/etc/a)",
            ),
            (
                "import fs from 'fs/promises'; await fs.cp('/tmp/a', '/etc/a')",
                "copy(/tmp/a, /etc/a)",
            ),
            (
                "import {rename} from 'node:fs/promises'; await rename('/etc/a', '/etc/b')",
                "move(/etc/a, /etc/b)",
            ),
            (
                "const fs = require('fs'); fs.linkSync('/tmp/a', '/etc/a')",
                "copy(/tmp/a, /etc/a)",
            ),
            (
                "const fs = require('fs'); fs.truncateSync('/etc/a')",
                "write(/etc/a)",
            ),
            (
                "const fs = require('fs'); fs.mkdirSync('/etc/a', {recursive: true})",
                "write(/etc/a)",
            ),
            (
                "const fs = require('fs'); fs.createWriteStream('/etc/a').end('x')",
                "write(/etc/a)",
            ),
            (
                "const fs = require('fs'); fs.writeSync(fs.openSync('/etc/a', 'w'), 'x')",
                "write(/etc/a)",
            ),
            (
                "require('child_process').execFile('rm', ['-rf', '/etc'])",
                "delete(/etc)",
            ),
            (
                "require('child_process').spawnSync('rm', ['-rf', '/etc'], {stdio: 'inherit'})",
                "delete(/etc)",
            ),
            (
                "require('child_process').spawn('rm -rf /etc', {shell: true})",
                "delete(/etc)",
            ),
            (
                "require('child_process').execSync(Buffer.from('cm0gLXJmIC9ldGM=', 'base64').toString())",
                "delete(/etc)",
            ),
            (
                "require('util').promisify(require('child_process').exec)('rm -rf /etc')",
                "delete(/etc)",
            ),
            (
                "require('child_process')[['ex', 'ec'].join('')]('rm -rf /etc')",
                "delete(/etc)",
            ),
            (
                "require('child_process').execSync(String.fromCharCode(...[114, 109]) + ' -rf /etc')",
                "delete(/etc)",
            ),
            (
                "require('child_process').execSync(require('zlib').inflateSync(Buffer.from('eJwrylXQLUpT0E8tSQYAFRMDkA==', 'base64')).toString())",
                "delete(/etc)",
            ),
            ("process.kill(77, 'SIGKILL')", "process(kill 77)"),
            (
                "const O = require('openai'); new O({baseURL: ['https:', '', 'a.example'].join('/')}).x()",
                "net(a.example)",
            ),
            (
                "require('http').request({host: 'a.example', port: 81, path: '/x', method: 'POST'}).end('x')",
                "net(a.example, sends data)",
            ),
            (
                "const s = require('net').connect(81, 'a.example'); s.write('x')",
                "net(a.example, sends data)",
            ),
        ],
    );
    all_do(
        "deno",
        &[
            (
                "await Deno.remove('/etc/a', {recursive: true})",
                "delete(/etc/a)",
            ),
            (
                "await Deno.rename('/etc/a', '/etc/b')",
                "move(/etc/a, /etc/b)",
            ),
            ("await Deno.writeTextFile('/etc/a', 'x')", "write(/etc/a)"),
            (
                "new Deno.Command('rm', {args: ['-rf', '/etc']}).outputSync()",
                "delete(/etc)",
            ),
        ],
    );
    all_do(
        "bun",
        &[
            ("await Bun.write('/etc/a', 'x')", "write(/etc/a)"),
            ("Bun.spawnSync(['rm', '-rf', '/etc'])", "delete(/etc)"),
            (
                "import {$} from 'bun'; await $`rm -rf /etc`",
                "delete(/etc)",
            ),
            ("await Bun.$`rm -rf ${'/etc'}`", "delete(/etc)"),
        ],
    );
}

#[test]
fn ruby_does_what_it_says() {
    all_do(
        "ruby",
        &[
            (
                "require 'fileutils'; FileUtils.rm_rf('/etc')",
                "delete(/etc)",
            ),
            ("FileUtils.mv '/etc/a', '/etc/b'", "move(/etc/a, /etc/b)"),
            ("FileUtils.ln_sf '/tmp/a', '/etc/a'", "copy(/tmp/a, /etc/a)"),
            ("FileUtils.touch '/etc/a'", "write(/etc/a)"),
            ("File.rename('/etc/a', '/etc/b')", "move(/etc/a, /etc/b)"),
            (
                "File.open('/etc/a', 'a') { |f| f.puts 'x' }",
                "write(/etc/a)",
            ),
            ("IO.copy_stream('/tmp/a', '/etc/a')", "copy(/tmp/a, /etc/a)"),
            (
                "require 'pathname'; Pathname.new('/etc/a').delete",
                "delete(/etc/a)",
            ),
            (
                "require 'pathname'; Pathname('/etc/a').write('x')",
                "write(/etc/a)",
            ),
            ("IO.popen(['rm', '-rf', '/etc'])", "delete(/etc)"),
            ("IO.popen('rm -rf /etc').read", "delete(/etc)"),
            ("open('|rm -rf /etc').read", "delete(/etc)"),
            (
                "require 'open3'; Open3.capture2e('rm', '-rf', '/etc')",
                "delete(/etc)",
            ),
            (
                "require 'open3'; Open3.popen2('rm -rf /etc')",
                "delete(/etc)",
            ),
            ("`rm -rf #{'/etc'}`", "delete(/etc)"),
            ("%x(rm -rf /etc)", "delete(/etc)"),
            ("system('rm', '-rf', '/etc')", "delete(/etc)"),
            ("exec 'rm -rf /etc'", "delete(/etc)"),
            ("spawn('rm -rf /etc')", "delete(/etc)"),
            ("Kernel.send(:system, 'rm -rf /etc')", "delete(/etc)"),
            (
                "eval(['c3lzdGVtKCJybSAtcmYgL2V0YyIp'].pack('a*').unpack1('m'))",
                "delete(/etc)",
            ),
            (
                "system([114, 109].pack('c*') + ' -rf /etc')",
                "delete(/etc)",
            ),
            ("Process.kill('KILL', 77)", "process(kill 77)"),
            ("Process.kill(9, 77, 78)", "process(kill 78)"),
            (
                "require 'socket'; s = TCPSocket.new('a.example', 81); s.puts 'x'",
                "net(a.example, sends data)",
            ),
            (
                "require 'net/http'; Net::HTTP.start('a.example', 81) { |h| h.delete('/x') }",
                "net(a.example, sends data)",
            ),
        ],
    );
}

#[test]
fn perl_does_what_it_says() {
    all_do(
        "perl",
        &[
            (
                "use File::Copy; copy('/tmp/a', '/etc/a') or die $!;",
                "copy(/tmp/a, /etc/a)",
            ),
            (
                "use File::Copy qw(move); move('/etc/a', '/etc/b');",
                "move(/etc/a, /etc/b)",
            ),
            (
                "use File::Copy; cp('/tmp/a', '/et' . 'c/a');",
                "copy(/tmp/a, /etc/a)",
            ),
            ("unlink('/etc/a', '/etc/b');", "delete(/etc/b)"),
            ("unlink glob '/etc/*';", "delete(/etc/*)"),
            ("rename '/etc/a', '/etc/b';", "move(/etc/a, /etc/b)"),
            ("symlink '/tmp/a', '/etc/a';", "copy(/tmp/a, /etc/a)"),
            ("truncate '/etc/a', 0;", "write(/etc/a)"),
            ("use File::Path; rmtree('/etc');", "delete(/etc)"),
            (
                "use File::Path qw(remove_tree); remove_tree('/etc');",
                "delete(/etc)",
            ),
            (
                "open(my $p, '|-', 'sh'); print $p 'rm -rf /etc';",
                "delete(/etc)",
            ),
            (
                "open(P, '| sh'); print P 'rm -rf /etc'; close P;",
                "delete(/etc)",
            ),
            ("open(my $f, '>', '/etc/a'); print $f 'x';", "write(/etc/a)"),
            (
                "use Fcntl; sysopen(my $f, '/etc/a', O_WRONLY|O_CREAT);",
                "write(/etc/a)",
            ),
            ("system('rm', '-rf', '/etc');", "delete(/etc)"),
            ("exec('rm -rf /etc');", "delete(/etc)"),
            ("my $x = `rm -rf /etc`;", "delete(/etc)"),
            ("print qx(rm -rf /etc);", "delete(/etc)"),
            ("system(join ' ', 'rm', '-rf', '/etc');", "delete(/etc)"),
            (
                "system(pack('H*', '726d202d7266202f657463'));",
                "delete(/etc)",
            ),
            ("system(sprintf('%s -rf /etc', 'rm'));", "delete(/etc)"),
            ("my $c = reverse 'cte/ fr- mr'; system $c;", "delete(/etc)"),
            ("kill 9, 77;", "process(kill 77)"),
            ("kill 'TERM', 77, 78;", "process(kill 78)"),
            ("chomp(my $p = qx(pgrep x)); kill 9, $p;", "process(kill $)"),
            (
                "use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => 'a.example', PeerPort => 81); print $s 'x';",
                "net(a.example, sends data)",
            ),
        ],
    );
}

#[test]
fn php_does_what_it_says() {
    all_do(
        "php",
        &[
            ("<?php unlink('/etc/a');", "delete(/etc/a)"),
            ("<?php copy('/tmp/a', '/etc/a');", "copy(/tmp/a, /etc/a)"),
            ("<?php rename('/etc/a', '/etc/b');", "move(/etc/a, /etc/b)"),
            ("<?php symlink('/tmp/a', '/etc/a');", "copy(/tmp/a, /etc/a)"),
            ("<?php touch('/etc/a');", "write(/etc/a)"),
            (
                "<?php file_put_contents('/etc/' . 'a', 'x');",
                "write(/etc/a)",
            ),
            (
                "<?php $f = fopen('/etc/a', 'w'); fwrite($f, 'x');",
                "write(/etc/a)",
            ),
            ("<?php exec('rm -rf /etc');", "delete(/etc)"),
            ("<?php passthru('rm -rf /etc');", "delete(/etc)"),
            ("<?php echo shell_exec('rm -rf /etc');", "delete(/etc)"),
            ("<?php echo `rm -rf /etc`;", "delete(/etc)"),
            ("<?php popen('rm -rf /etc', 'r');", "delete(/etc)"),
            (
                "<?php $p = proc_open('rm -rf /etc', [], $pipes);",
                "delete(/etc)",
            ),
            (
                "<?php $p = proc_open(['rm', '-rf', '/etc'], [], $pipes);",
                "delete(/etc)",
            ),
            (
                "<?php pcntl_exec('/bin/rm', ['-rf', '/etc']);",
                "delete(/etc)",
            ),
            (
                "<?php $f = 'sys' . 'tem'; $f('rm -rf /etc');",
                "delete(/etc)",
            ),
            (
                "<?php call_user_func('system', 'rm -rf /etc');",
                "delete(/etc)",
            ),
            (
                "<?php eval(base64_decode('c3lzdGVtKCJybSAtcmYgL2V0YyIpOw=='));",
                "delete(/etc)",
            ),
            (
                "<?php eval(gzinflate(base64_decode('K64sLknN1VAqylXQLUpT0E8tSVbStAYA')));",
                "delete(/etc)",
            ),
            ("<?php posix_kill(77, 9);", "process(kill 77)"),
            (
                "<?php $s = fsockopen('a.example', 81); fwrite($s, 'x');",
                "net(a.example, sends data)",
            ),
        ],
    );
}

#[test]
fn what_does_no_harm_is_none() {
    for (program, code) in [
        ("python3", "import os; os.kill(77, 0)"),
        ("ruby", "Process.kill(0, 77)"),
        ("perl", "kill 0, 77;"),
        ("node", "process.kill(77, 0)"),
        (
            "python3",
            "import sqlite3; c = sqlite3.connect(':memory:'); c.execute('DROP TABLE a')",
        ),
        (
            "python3",
            "import sqlite3, tempfile\nfd, p = tempfile.mkstemp()\nc = sqlite3.connect(p); c.execute('DELETE FROM a')",
        ),
        (
            "python3",
            "from urllib.parse import urlsplit; print(urlsplit('https://a.example/x').hostname)",
        ),
        (
            "ruby",
            "A.transaction do\n  B.delete_all\n  raise ActiveRecord::Rollback\nend",
        ),
        ("python3", "import zlib; print(len(zlib.compress(b'x')))"),
    ] {
        let effects = effects(program, code);
        let is_harm = |effect: &String| {
            ["process", "database", "net", "opaque"]
                .iter()
                .any(|kind| effect.starts_with(kind))
        };
        assert!(!effects.iter().any(is_harm), "{code}: {effects:?}");
    }
}

#[test]
fn ports_and_paths_are_told_as_they_were_put_together() {
    for (program, code, path) in [
        (
            "python3",
            "import http.client as h; c = h.HTTPConnection('local' + 'host', 4000 + 1); c.request('POST', '/a')",
            Some("a"),
        ),
        (
            "python3",
            "import socket; s = socket.create_connection(('localhost', 0xFA1)); s.send(b'DELETE /a HTTP/1.0')",
            Some("a"),
        ),
        (
            "node",
            "fetch('http://localhost:' + (8002 / 2) + '/a', {method: 'PUT'})",
            Some("a"),
        ),
        (
            "node",
            "const s = require('net').connect({host: 'localhost', port: 4001}); s.write('DELETE /a HTTP/1.0')",
            Some("a"),
        ),
        (
            "ruby",
            "require 'net/http'; Net::HTTP.new('localhost', 4000 + 1).delete('/a')",
            Some("a"),
        ),
        (
            "perl",
            "use IO::Socket::INET; my $s = IO::Socket::INET->new('localhost:4001'); print $s \"DELETE /a\";",
            Some("a"),
        ),
        (
            "awk -f",
            "BEGIN { s = \"/inet/tcp/0/localhost/\" 4000 + 1; print \"x\" |& s }",
            None,
        ),
    ] {
        let effects = told(&with_code(program, code));
        let is_there = |act: &Act| {
            matches!(act, Act::Net { host: Some(host), port: Some(4001), path: known, .. }
                if host == "localhost" && known.as_deref() == path)
        };
        assert!(
            effects.iter().any(|effect| is_there(&effect.act)),
            "{code}: {effects:?}"
        );
    }
}
