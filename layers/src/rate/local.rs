use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, Reference},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::StateStore,
};

use super::{
    Rule,
    ledger::{Claim, Decision, Denied, Grant, Ledger, Standing, Subject, Used},
    rule::Measure,
};

/// Accounts in process.
///
/// Rates are governor's (GCRA); its state lies in a store of ours, so that what an exchange used beyond its reservation
/// can be charged afterwards, as a debt, and idle accounts be forgotten: an account that stands where a new one would
/// is removed. Above [`most_accounts`](Self::with_most_accounts) those without an account share one.
pub struct LocalLedger<C: Clock = MonotonicClock> {
    rules: Vec<Rule>,
    books: Vec<Book<C>>,
    clock: C,
}

enum Book<C: Clock> {
    Rate(Rate<C>),
    Concurrency { limit: u32, open: Accounts<u32> },
}

struct Rate<C: Clock> {
    limiter: RateLimiter<Subject, Store, C, StateInformationMiddleware>,
    store: Store,
    /// From when the limiter counts.
    start: C::Instant,
    period: u64,
    limit: u32,
}

/// Time since some moment, never going back.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock(Instant);

impl Default for MonotonicClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MonotonicClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl LocalLedger {
    /// Accounts for these rules, with up to a million subjects each.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self::with_clock(rules, MonotonicClock::default())
    }
}

impl<C: Clock + Clone> LocalLedger<C> {
    /// Accounts for these rules, with another clock.
    pub fn with_clock(rules: Vec<Rule>, clock: C) -> Self {
        Self {
            books: books(&rules, &clock, 1_000_000),
            rules,
            clock,
        }
    }

    /// How many accounts a rule may have. An account takes about 50 bytes.
    #[must_use]
    pub fn with_most_accounts(mut self, most: usize) -> Self {
        self.books = books(&self.rules, &self.clock, most);
        self
    }

    /// How many accounts there are, of all rules.
    pub fn accounts(&self) -> usize {
        let count = |book: &Book<C>| match book {
            Book::Rate(rate) => rate.store.0.len(),
            Book::Concurrency { open, .. } => open.len(),
        };
        self.books.iter().map(count).sum()
    }

    fn refund(&self, claims: &[Claim]) {
        for claim in claims {
            match self.books.get(claim.rule) {
                Some(Book::Rate(rate)) => rate.credit(claim.subject, claim.amount.into()),
                Some(Book::Concurrency { open, .. }) => open.release(claim.subject),
                None => {}
            }
        }
    }
}

fn books<C: Clock + Clone>(rules: &[Rule], clock: &C, most: usize) -> Vec<Book<C>> {
    let book = |rule: &Rule| match rule.measure() {
        Measure::Concurrent => Book::Concurrency {
            limit: rule.limit().get(),
            open: Accounts::new(most),
        },
        _ => Book::Rate(Rate::new(rule, clock.clone(), most)),
    };
    rules.iter().map(book).collect()
}

impl<C: Clock + Clone + Send + Sync> Ledger for LocalLedger<C>
where
    C::Instant: Send + Sync,
{
    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn reserve(&self, mut claims: Vec<Claim>) -> Decision {
        let mut standings = Vec::with_capacity(claims.len());
        for done in 0..claims.len() {
            let Some(claim) = claims.get_mut(done) else {
                break;
            };
            let taken = match self.books.get(claim.rule) {
                Some(Book::Rate(rate)) => rate.take(claim),
                Some(Book::Concurrency { limit, open }) => {
                    claim.subject = open.place(claim.subject);
                    match open.acquire(claim.subject, *limit) {
                        Some(open) => Ok(Standing {
                            remaining: limit - open,
                            reset: Duration::ZERO,
                        }),
                        None => Err(Denied {
                            rule: claim.rule,
                            retry_after: None,
                        }),
                    }
                }
                None => Err(Denied {
                    rule: claim.rule,
                    retry_after: None,
                }),
            };
            match taken {
                Ok(standing) => standings.push(standing),
                Err(denied) => {
                    self.refund(claims.get(..done).unwrap_or_default());
                    return Decision::Now(Err(denied));
                }
            }
        }
        Decision::Now(Ok(Grant {
            claims,
            standings,
            book: 0,
        }))
    }

    fn settle(&self, grant: Grant, used: Used) {
        for claim in &grant.claims {
            let measure = self.rules.get(claim.rule).map(Rule::measure);
            let used = match measure {
                Some(Measure::InputTokens) => used.input,
                Some(Measure::OutputTokens) => used.output,
                _ => None,
            };
            match (self.books.get(claim.rule), used) {
                (Some(Book::Rate(rate)), Some(used)) => rate.correct(claim, used),
                (Some(Book::Concurrency { open, .. }), _) => open.release(claim.subject),
                _ => {}
            }
        }
    }
}

impl<C: Clock> Rate<C> {
    fn new(rule: &Rule, clock: C, most: usize) -> Self {
        let period = rule.period();
        let limit = rule.limit();
        // The period is at least a nanosecond, so there is a quota; were there none, one a second is the safe side.
        let quota = Quota::with_period(period)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(limit);
        let store = Store(Arc::new(Accounts::new(most)));
        let start = clock.now();
        let limiter = RateLimiter::new(quota, store.clone(), clock);
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        Self {
            limiter,
            store,
            start,
            period,
            limit: limit.get(),
        }
    }

    fn now(&self) -> u64 {
        self.limiter.clock().now().duration_since(self.start).into()
    }

    /// Takes what is claimed, but never more than there can be: an estimate beyond the limit waits for all of it.
    fn take(&self, claim: &mut Claim) -> Result<Standing, Denied> {
        let now = self.now();
        self.store.0.sweep(claim.subject, |full_at| *full_at <= now);
        claim.subject = self.store.0.place(claim.subject);
        let amount = NonZeroU32::new(claim.amount.min(self.limit)).unwrap_or(NonZeroU32::MIN);
        match self.limiter.check_key_n(&claim.subject, amount) {
            Ok(Ok(state)) => {
                let remaining = state.remaining_burst_capacity();
                let missing = u64::from(self.limit.saturating_sub(remaining));
                Ok(Standing {
                    remaining,
                    reset: Duration::from_nanos(missing.saturating_mul(self.period)),
                })
            }
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(self.limiter.clock().now());
                Err(Denied {
                    rule: claim.rule,
                    retry_after: Some(wait),
                })
            }
            // Cannot be: the amount is within the limit.
            Err(_) => Err(Denied {
                rule: claim.rule,
                retry_after: None,
            }),
        }
    }

    /// Charges what was used beyond the reservation, or gives back what was not.
    fn correct(&self, claim: &Claim, used: u64) {
        let reserved = u64::from(claim.amount.min(self.limit));
        if used > reserved {
            self.charge(claim.subject, used - reserved);
        } else {
            self.credit(claim.subject, reserved - used);
        }
    }

    /// A debt is carried for as long as it takes, but no longer than ten times the limit: an upstream that claims to
    /// have used more is not believed, lest a number lock somebody out for years.
    fn charge(&self, subject: Subject, units: u64) {
        let now = self.now();
        let cost = units
            .min(u64::from(self.limit) * 10)
            .saturating_mul(self.period);
        self.store.0.update(subject, |full_at| {
            Some(full_at.unwrap_or(now).max(now).saturating_add(cost))
        });
    }

    fn credit(&self, subject: Subject, units: u64) {
        let cost = units.saturating_mul(self.period);
        self.store.0.update(subject, |full_at| {
            full_at.map(|full_at| full_at.saturating_sub(cost))
        });
    }
}

/// Governor's state, where we can reach it: for each subject the time at which its account is full again.
#[derive(Clone)]
struct Store(Arc<Accounts<u64>>);

impl StateStore for Store {
    type Key = Subject;

    fn measure_and_replace<T, F, E>(&self, key: &Subject, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shard = self.0.shard(*key);
        let (answer, state) = f(shard.accounts.get(key).copied().map(Nanos::from))?;
        shard.accounts.insert(*key, state.into());
        Ok(answer)
    }
}

const SHARDS: usize = 16;

/// A shard with fewer accounts is not worth sweeping.
const SMALL: usize = 256;

/// A bounded number of accounts, in shards so that threads seldom wait for each other.
struct Accounts<T> {
    shards: Box<[Mutex<Shard<T>>; SHARDS]>,
    most: usize,
}

struct Shard<T> {
    accounts: HashMap<Subject, T>,
    /// How many accounts there may be before idle ones are looked for.
    sweep_at: usize,
}

/// The account of all who come when there is no room for another.
const OVERFLOW: Subject = Subject(0);

impl<T> Accounts<T> {
    fn new(most: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                accounts: HashMap::new(),
                sweep_at: SMALL,
            })
        };
        Self {
            shards: Box::new(std::array::from_fn(|_| shard())),
            most: most.div_ceil(SHARDS),
        }
    }

    fn shard(&self, subject: Subject) -> MutexGuard<'_, Shard<T>> {
        let [first, rest @ ..] = &*self.shards;
        let place = usize::try_from(subject.0 % SHARDS as u128).unwrap_or(0);
        let shard = place
            .checked_sub(1)
            .and_then(|place| rest.get(place))
            .unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a subject's account is kept: a ledger asks once, and goes by the answer until it settles.
    fn place(&self, subject: Subject) -> Subject {
        let shard = self.shard(subject);
        let room = shard.accounts.len() < self.most || shard.accounts.contains_key(&subject);
        if room { subject } else { OVERFLOW }
    }

    /// Forgets idle accounts in the subject's shard, once there are twice as many as were left the last time.
    fn sweep(&self, subject: Subject, idle: impl Fn(&T) -> bool) {
        let mut shard = self.shard(subject);
        if shard.accounts.len() >= shard.sweep_at.min(self.most) {
            shard.accounts.retain(|_, state| !idle(state));
            shard.sweep_at = (shard.accounts.len() * 2).max(SMALL);
            let size = shard.sweep_at;
            shard.accounts.shrink_to(size);
        }
    }

    fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                shard
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .accounts
                    .len()
            })
            .sum()
    }
}

impl Accounts<u64> {
    fn update(&self, subject: Subject, change: impl FnOnce(Option<u64>) -> Option<u64>) {
        let mut shard = self.shard(subject);
        if let Some(state) = change(shard.accounts.get(&subject).copied()) {
            shard.accounts.insert(subject, state);
        }
    }
}

impl Accounts<u32> {
    /// One more, if there may be; answers how many there are then.
    fn acquire(&self, subject: Subject, limit: u32) -> Option<u32> {
        let mut shard = self.shard(subject);
        let open = shard.accounts.get(&subject).copied().unwrap_or(0);
        if open >= limit {
            return None;
        }
        shard.accounts.insert(subject, open + 1);
        Some(open + 1)
    }

    /// One less; an account without any is forgotten.
    fn release(&self, subject: Subject) {
        let mut shard = self.shard(subject);
        match shard.accounts.get(&subject) {
            Some(open) if *open > 1 => {
                let open = open - 1;
                shard.accounts.insert(subject, open);
            }
            _ => {
                shard.accounts.remove(&subject);
            }
        }
    }
}

impl<C: Clock> fmt::Debug for LocalLedger<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLedger")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
