use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of secret or personal data was found.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// The id of an access key of AWS, which stands next to its secret.
    AwsKey,
    /// A token of GitHub; classic ones by their checksum.
    GithubToken,
    /// A key of Anthropic's API, or a login.
    AnthropicKey,
    /// A key of OpenAI's API, or of one that writes its keys alike.
    OpenaiKey,
    /// A token of Slack, or the address of a webhook.
    SlackToken,
    /// A key or a token of Google's.
    GoogleKey,
    /// A live key of Stripe's.
    StripeKey,
    /// A token of GitLab.
    GitlabToken,
    /// A token of npm, by its checksum.
    NpmToken,
    /// A token of `PyPI`.
    PypiToken,
    /// A token of another service that can be known by its beginning.
    ServiceToken,
    /// A JSON Web Token with a signature.
    Jwt,
    /// A private key, armoured.
    PrivateKey,
    /// The password in a URL.
    UrlPassword,
    /// What stands in an `Authorization` header.
    AuthorizationHeader,
    /// What is assigned to a name that secrets have, and looks like one.
    AssignedSecret,
    /// An address for mail.
    Email,
    /// A telephone number.
    Phone,
    /// The number of a payment card, by its issuer and check digit.
    CreditCard,
    /// The number of a bank account, by its country and check digits.
    Iban,
    /// A social security number of the United States.
    UsSsn,
    /// An address of the public internet.
    IpAddress,
    /// A date that is said to be somebody's birthday.
    DateOfBirth,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::AwsKey,
        Self::GithubToken,
        Self::AnthropicKey,
        Self::OpenaiKey,
        Self::SlackToken,
        Self::GoogleKey,
        Self::StripeKey,
        Self::GitlabToken,
        Self::NpmToken,
        Self::PypiToken,
        Self::ServiceToken,
        Self::Jwt,
        Self::PrivateKey,
        Self::UrlPassword,
        Self::AuthorizationHeader,
        Self::AssignedSecret,
        Self::Email,
        Self::Phone,
        Self::CreditCard,
        Self::Iban,
        Self::UsSsn,
        Self::IpAddress,
        Self::DateOfBirth,
    ];

    /// Whether it is a secret; otherwise it is about a person.
    pub fn is_secret(self) -> bool {
        self < Self::Email
    }

    /// The word in configurations, in events, and in what stands in its place.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsKey => "aws_key",
            Self::GithubToken => "github_token",
            Self::AnthropicKey => "anthropic_key",
            Self::OpenaiKey => "openai_key",
            Self::SlackToken => "slack_token",
            Self::GoogleKey => "google_key",
            Self::StripeKey => "stripe_key",
            Self::GitlabToken => "gitlab_token",
            Self::NpmToken => "npm_token",
            Self::PypiToken => "pypi_token",
            Self::ServiceToken => "service_token",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private_key",
            Self::UrlPassword => "url_password",
            Self::AuthorizationHeader => "authorization_header",
            Self::AssignedSecret => "assigned_secret",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::CreditCard => "credit_card",
            Self::Iban => "iban",
            Self::UsSsn => "us_ssn",
            Self::IpAddress => "ip_address",
            Self::DateOfBirth => "date_of_birth",
        }
    }

    /// Which of two findings in the same place is kept: the one with the lower rank. What says more comes first.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::PrivateKey => 1,
            Self::AuthorizationHeader | Self::UrlPassword => 3,
            Self::AssignedSecret => 4,
            class if class.is_secret() => 2,
            _ => 5,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u32);

impl Classes {
    /// All secrets.
    pub fn secrets() -> Self {
        Class::ALL
            .into_iter()
            .filter(|class| class.is_secret())
            .collect()
    }

    /// All personal data.
    pub fn personal() -> Self {
        Class::ALL
            .into_iter()
            .filter(|class| !class.is_secret())
            .collect()
    }

    /// Whether this one is among them.
    pub fn has(self, class: Class) -> bool {
        self.0 & (1 << class as u32) != 0
    }

    /// Whether any of those is among them.
    pub(super) fn has_any(self, classes: &[Class]) -> bool {
        classes.iter().any(|class| self.has(*class))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<T: IntoIterator<Item = Class>>(classes: T) -> Self {
        Self(
            classes
                .into_iter()
                .fold(0, |all, class| all | 1 << class as u32),
        )
    }
}
