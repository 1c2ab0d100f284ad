use crate::policy::{
    ToolCall,
    effects::{Effects, Place},
};

mod awk;
mod calls;
mod started;
mod values;

/// What a command does.
fn told(command: &str) -> Effects {
    let call = ToolCall::new(
        "Bash",
        serde_json::json!({ "command": command }).to_string(),
    );
    let place = Place {
        cwd: Some("/work/shop".to_owned()),
        ..Place::default()
    };
    Effects::of(&call, &place)
}

/// In short.
fn shell(command: &str) -> Vec<String> {
    told(command).iter().map(ToString::to_string).collect()
}

fn with_code(program: &str, code: &str) -> String {
    format!("{program} - <<'EOF'\n{code}\nEOF")
}

/// What code of this language does, in short.
fn effects(program: &str, code: &str) -> Vec<String> {
    shell(&with_code(program, code))
}

#[track_caller]
fn deletes(program: &str, code: &str, path: &str) {
    let effects = effects(program, code);
    assert!(
        effects.contains(&format!("delete({path})")),
        "{code}: {effects:?}"
    );
}

#[test]
fn names_are_followed() {
    for code in [
        "import shutil; shutil.rmtree('/etc')",
        "import shutil as s; s.rmtree('/etc')",
        "from shutil import rmtree as r; r('/etc')",
        "from importlib import import_module as im\nm = im('lituhs'[::-1])\nvars(m)['eertmr'[::-1]]('/etc')",
        "__import__('shu' + 'til').__dict__['rm' 'tree']('/etc')",
        "import shutil\nf = getattr(shutil, ''.join(map(chr, [114, 109, 116, 114, 101, 101])))\nf('/etc')",
        "import os; os.system('rm -rf /etc')",
        "(lambda a: __import__('os').system(a))('rm -rf ' + '/etc')",
        "import os\nclass A:\n    def __init__(self, p):\n        self.p = p\n    def go(self):\n        os.system(f'rm -rf {self.p}')\nA('/etc').go()",
        "import base64; exec(base64.b64decode('aW1wb3J0IG9zOyBvcy5zeXN0ZW0oInJtIC1yZiAvZXRjIik='))",
        "import codecs; exec(codecs.decode('vzcbeg bf; bf.flfgrz(\"ez -es /rgp\")', 'rot13'))",
        "import subprocess\nfor c in ['ls', 'rm -rf /etc']:\n    subprocess.run(c, shell=True)",
        "import subprocess\nk = 3\ns = ''.join(chr(ord(c) ^ k) for c in 'qn#.qe#,fw`')\nsubprocess.call(s.split())",
        "import os\nos.execvp('rm', ['x', '-rf', '/etc'])",
        "import os\nos.chdir('/')\nos.system('rm -rf etc')",
        "def clean(path='/etc'):\n    import shutil\n    shutil.rmtree(path)",
    ] {
        deletes("python3", code, "/etc");
    }
    for code in [
        "require('fs').rmSync('/etc', {recursive: true, force: true})",
        "const {rmSync: r} = require('fs'); r('/etc', {recursive: true})",
        "require('fs')['rm' + 'Sync']('/etc', {recursive: true})",
        "import('fs').then(m => m.rmSync('/etc', {recursive: true}))",
        "import {rm} from 'node:fs/promises';\nawait rm('/etc', {recursive: true})",
        "const cp = require('child_process'); cp.execSync(`rm -rf ${['', 'etc'].join('/')}`)",
        "Reflect.apply(require('fs').rmSync, null, ['/etc', {recursive: true}])",
        "require('child_process').spawn.call(null, 'rm', ['-rf', '/etc'])",
        "new Function('require', \"require('fs').rmSync('/etc', {recursive: true})\")(require)",
        "eval(atob('cmVxdWlyZSgnZnMnKS5ybVN5bmMoJy9ldGMnLHtyZWN1cnNpdmU6dHJ1ZX0p'))",
        "const s = [114,109,32,45,114,102,32,47,101,116,99].map(c => String.fromCharCode(c)).join('');\nrequire('child_process').execSync(s)",
        "class A { constructor(p) { this.p = p } go() { require('fs').rmSync(this.p, {recursive: true}) } }\nnew A('/etc').go()",
        "process.mainModule.require('child_process').exec('cte/ fr- mr'.split('').reverse().join(''))",
    ] {
        deletes("node", code, "/etc");
    }
}

#[test]
fn loops_hide_nothing_however_long_they_are() {
    for code in [
        // Behind many that do something harmless.
        "import os\nfor c in ['ls'] * 40 + ['rm -rf /etc']:\n    os.system(c)",
        "import os\ncs = ['ls'] * 40\ncs.append('rm -rf /etc')\nfor c in cs:\n    os.system(c)",
        "import os\ni = 0\ncs = ['ls', 'rm -rf /etc']\nwhile True:\n    os.system(cs[i])\n    i += 1\n    if i == 2:\n        break",
        "import os\nfor c in ['ls', 'rm -rf /etc']:\n    os.system(c)\n    if True:\n        break",
        "import os\nfor c in ['rm -rf /etc']:\n    if 1 == 1:\n        continue\n    os.system(c)",
        "import os\n[os.system(c) for c in ['rm -rf /etc'] if 1 == 2]",
        // Behind much work.
        "import os\nfor a in range(300):\n    for b in range(300):\n        x = a * b\nos.system('rm -rf /etc')",
    ] {
        deletes("python3", code, "/etc");
    }
    // What was cut off is not known, and not what was made of it so far.
    for code in [
        "import os\ns = ''\nfor a in range(300):\n    for b in range(300):\n        x = a * b\nfor c in ['ls', ' && rm -rf /etc']:\n    s += c\nos.system(s)",
        "import os\ns = ''\nfor i in range(99999):\n    s += chr(i)\nos.system(s)",
    ] {
        let effects = effects("python3", code);
        assert!(
            effects
                .iter()
                .any(|effect| effect.starts_with("opaque") || effect.contains("/etc")),
            "{code}: {effects:?}"
        );
    }
    // Everyday work is none of this.
    for code in [
        "total = 0\nfor a in range(1000):\n    for b in range(1000):\n        total += a * b\nprint(total)",
        "xs = []\nfor i in range(5000):\n    xs.append(i * i)\nprint(sum(xs))",
        "for i in range(2000):\n    open(f'out/{i}.txt', 'w').write(str(i))",
        "sieve = [True] * 10000\nfor i in range(2, 100):\n    for j in range(i * i, 10000, i):\n        sieve[j] = False\nprint(len(sieve))",
    ] {
        let effects = effects("python3", code);
        assert!(
            !effects.iter().any(|effect| effect.starts_with("opaque")),
            "{code}: {effects:?}"
        );
    }
}
