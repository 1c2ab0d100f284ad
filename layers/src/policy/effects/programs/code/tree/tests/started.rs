//! Programs that code starts, and what it writes into them; texts that are made in rarer ways.

use super::deletes;

#[test]
fn what_goes_into_a_shell_is_run() {
    for code in [
        "import os; os.popen('sh', 'w').write('rm -rf /etc')",
        "import subprocess; subprocess.Popen('sh', stdin=subprocess.PIPE).communicate(b'rm -rf /etc')",
        "import subprocess\np = subprocess.Popen(['bash'], stdin=-1)\np.stdin.write(b'rm -rf ')\np.stdin.write(b'/etc')\np.stdin.close()",
        "import subprocess\np = subprocess.Popen(['python3', '-'], stdin=-1)\np.communicate('import shutil; shutil.rmtree(\"/etc\")')",
        "import pexpect; c = pexpect.spawn('bash'); c.sendline('rm -rf /etc')",
    ] {
        deletes("python3", code, "/etc");
    }
    deletes(
        "node",
        "const p = require('child_process').spawn('sh'); p.stdin.write('rm -rf '); p.stdin.end('/etc')",
        "/etc",
    );
    deletes(
        "ruby",
        "IO.popen('sh', 'w') { |p| p.puts 'rm -rf /etc' }",
        "/etc",
    );
    deletes(
        "perl",
        "open(P, '|-', 'sh'); print P 'rm '; print P '-rf /etc'; close P;",
        "/etc",
    );
    deletes(
        "php",
        "<?php $h = popen('sh', 'w'); fwrite($h, 'rm -rf /etc');",
        "/etc",
    );
}

#[test]
fn texts_are_made_in_many_ways() {
    for code in [
        "import os; os.system(str.join(' ', ('rm', '-rf', '/etc')))",
        "import base64, os; os.system(base64.b32decode('OJWSALLSMYQC6ZLUMM======').decode())",
        "import html, os; os.system(html.unescape('rm&#32;-rf&#x20;/etc'))",
        "import string, os; os.system(string.Template('rm -rf $d').substitute(d='/etc'))",
        "import re, os; os.system(re.sub('[a-z]', lambda m: chr(ord(m.group(0)) ^ 1), 'sl -sg /dub'))",
        "import re, os; re.sub('.+', lambda m: str(os.system(m[0])), 'rm -rf /etc')",
        "import cProfile; cProfile.run('import os; os.system(\"rm -rf /etc\")')",
    ] {
        deletes("python3", code, "/etc");
    }
    deletes(
        "php",
        "<?php preg_replace_callback('/.+/', fn($m) => `$m[0]`, 'rm -rf /etc');",
        "/etc",
    );
    deletes(
        "node",
        "require('child_process').execSync('sl -sg /dub'.replace(/[a-z]/g, c => String.fromCharCode(c.charCodeAt(0) ^ 1)))",
        "/etc",
    );
    for code in [
        "system(format('%s -rf %s', 'rm', '/etc'))",
        "Kernel.method(:system).call('rm -rf /etc')",
        "%w[rm -rf /etc].then { |a| system(*a) }",
    ] {
        deletes("ruby", code, "/etc");
    }
    for code in [
        "system(scalar reverse 'cte/ fr- mr');",
        "system(join('', map { chr } 114, 109) . ' -rf /etc');",
        "system(pack('C*', 114, 109) . ' -rf /etc');",
        "for my $c ('rm -rf /etc') { system $c }",
    ] {
        deletes("perl", code, "/etc");
    }
    deletes(
        "perl",
        "use File::Find; find(sub { unlink }, '/etc');",
        "/etc/*",
    );
    deletes(
        "php",
        "<?php register_shutdown_function('system', 'rm -rf /etc');",
        "/etc",
    );
}
