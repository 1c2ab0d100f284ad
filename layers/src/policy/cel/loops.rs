//! Loops that count their steps.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators},
};

use super::{ExpressionError, scope::TICK};

/// Puts the counter of steps where the loop comes by each time, and where its error is not taken for an answer.
pub(super) fn count(each: &mut ComprehensionExpr) -> Result<(), ExpressionError> {
    if !matches!(each.loop_cond.expr, Expr::Literal(_)) {
        guard(&mut each.loop_cond);
        return Ok(());
    }
    let builds = matches!(each.accu_init.expr, Expr::List(_));
    if let Expr::Call(step) = &mut each.loop_step.expr
        && let [condition, kept, _] = step.args.as_mut_slice()
        && (!builds || keeps_elements(kept, &each.iter_var))
    {
        guard(condition);
        return Ok(());
    }
    // It could make something far larger than what came.
    Err(ExpressionError::new(
        "a condition cannot use `map`; `exists`, `all` and `filter` look at elements",
    ))
}

/// Whether `@result + [element]` is what is kept.
fn keeps_elements(kept: &IdedExpr, element: &str) -> bool {
    let Expr::Call(append) = &kept.expr else {
        return false;
    };
    let Some(Expr::List(list)) = append.args.last().map(|list| &list.expr) else {
        return false;
    };
    matches!(list.elements.as_slice(), [one] if matches!(&one.expr, Expr::Ident(name) if name == element))
}

/// Makes `tick() ? condition : false` of a condition.
fn guard(condition: &mut IdedExpr) {
    let call = |func_name: &str, args| IdedExpr {
        id: 0,
        expr: Expr::Call(CallExpr {
            func_name: func_name.to_owned(),
            target: None,
            args,
        }),
    };
    let never = IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::Boolean(false.into())),
    };
    let condition_itself = std::mem::take(condition);
    *condition = call(
        operators::CONDITIONAL,
        vec![call(TICK, Vec::new()), condition_itself, never],
    );
}
