//! Programs that run tests: what they are told to select is a word, and no command.

/// Those that do nothing else.
const RUNNERS: &[&str] = &[
    "pytest",
    "py.test",
    "pytest-3",
    "unittest",
    "nose2",
    "behave",
    "robot",
    "jest",
    "vitest",
    "mocha",
    "ava",
    "jasmine",
    "karma",
    "tap",
    "cypress",
    "wdio",
    "testcafe",
    "playwright",
    "rspec",
    "minitest",
    "cucumber",
    "phpunit",
    "pest",
    "codecept",
    "ctest",
    "bats",
    "shellspec",
    "gotestsum",
    "ginkgo",
    "nextest",
    "cargo-nextest",
    "prove",
    "busted",
    "tox",
    "nox",
];
/// Those that run tests among other things, if a word says so.
const TASKS: &[&str] = &[
    "go",
    "cargo",
    "cross",
    "dotnet",
    "mvn",
    "mvnw",
    "gradle",
    "gradlew",
    "npm",
    "pnpm",
    "yarn",
    "bun",
    "deno",
    "npx",
    "nx",
    "turbo",
    "ng",
    "lerna",
    "make",
    "just",
    "task",
    "mage",
    "uv",
    "poetry",
    "pdm",
    "hatch",
    "pipenv",
    "rye",
    "rails",
    "rake",
    "bundle",
    "mix",
    "swift",
    "xcodebuild",
    "bazel",
    "bazelisk",
    "buck2",
    "pants",
    "zig",
    "flutter",
    "dart",
    "sbt",
    "mill",
    "lein",
    "stack",
    "cabal",
    "composer",
    "artisan",
    "meson",
    "ninja",
    "dune",
    "elm-test",
];

/// Whether a program is told to run tests.
pub(super) fn is_test_run(program: &str, args: &[String]) -> bool {
    // `ruby -Itest test/x.rb`
    let is_file = |word: &String| word.starts_with("-Itest") || word.starts_with("-Ispec");
    RUNNERS.contains(&program)
        || TASKS.contains(&program) && args.iter().any(|word| is_test(word))
        || program == "ruby" && args.iter().any(is_file)
}

/// `test`, `test:unit`, `:app:test`, `unit-tests`, or the name of a runner.
fn is_test(word: &str) -> bool {
    let is_word = |part: &str| matches!(part, "test" | "tests" | "testing" | "e2e" | "spec");
    RUNNERS.contains(&word)
        || word.starts_with("-Dtest=")
        || !word.starts_with('-')
            && !word.contains(char::is_whitespace)
            && word.split([':', '-']).any(is_word)
}
