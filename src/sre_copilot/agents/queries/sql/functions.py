"""What SQL may hold: expressions, functions and types that compute and read, and nothing else."""

from __future__ import annotations

from sqlglot import exp

FUNCTIONS = frozenset({
    # aggregates and windows
    "count", "count_if", "sum", "avg", "min", "max", "stddev", "stddev_pop", "stddev_samp", "variance", "variance_pop", "var_pop", "var_samp", "percentile_cont", "percentile_disc",
    "median", "mode", "row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value", "last_value", "percent_rank", "cume_dist", "array_agg", "group_concat",
    "string_agg", "bool_and", "bool_or", "logical_and", "logical_or", "total",
    # numbers
    "abs", "ceil", "ceiling", "floor", "round", "sign", "sqrt", "mod", "greatest", "least", "trunc", "truncate", "ln", "log", "exp",
    # text, without what can grow it
    "lower", "upper", "trim", "ltrim", "rtrim", "length", "char_length", "substring", "substr", "left", "right", "concat", "concat_ws", "str_position", "instr", "strpos", "position",
    "split_part", "initcap", "starts_with", "safe_concat", "dpipe",
    # absent values
    "coalesce", "nullif", "ifnull", "iif",
    # time
    "now", "current_timestamp", "current_date", "current_time", "localtimestamp", "curdate", "date", "time", "datetime", "timestamp", "date_trunc", "timestamp_trunc", "datetime_trunc",
    "extract", "date_part", "year", "month", "day", "hour", "minute", "second", "day_of_week", "day_of_month", "day_of_year", "dayofweek", "dayofmonth", "dayofyear", "week", "week_of_year",
    "quarter", "date_add", "date_sub", "datediff", "date_diff", "timestamp_diff", "timestampdiff", "timestamp_add", "timestamp_sub", "datetime_add", "datetime_sub", "datetime_diff", "ts_or_ds_to_date", "ts_or_ds_to_timestamp",
    "ts_or_ds_add", "ts_or_ds_diff", "time_to_str", "str_to_time", "str_to_date", "to_char", "unix_to_time", "time_to_unix", "unix_timestamp", "from_unixtime", "strftime", "julianday", "unixepoch", "age", "to_timestamp", "interval",
    "date_format", "dayname", "monthname", "last_day", "ts_or_ds_to_date_str", "unix_to_str", "str_to_unix", "time_str_to_time", "timestamp_from_parts",
})  # fmt: skip
"""Functions by the name that the parser gives them, whatever the dialect calls them."""

NODES: tuple[type, ...] = (
    exp.Select, exp.SetOperation, exp.Subquery, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.With, exp.CTE, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Null, exp.Boolean, exp.Paren,
    exp.Tuple, exp.Distinct, exp.Case, exp.If, exp.Cast, exp.In, exp.Between, exp.Like, exp.ILike, exp.Is, exp.Exists, exp.Interval, exp.Var,
    exp.Window, exp.WindowSpec, exp.Filter, exp.WithinGroup, exp.Neg, exp.Not, exp.And, exp.Or, exp.Xor, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.NullSafeEQ, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.DPipe, exp.Escape, exp.TimeUnit, exp.Collate,
)  # fmt: skip
"""Kinds of expression that may occur."""

TYPES = frozenset({
    "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "DECIMAL", "NUMERIC", "FLOAT", "DOUBLE", "REAL", "TEXT", "VARCHAR", "CHAR", "NCHAR", "NVARCHAR", "BOOLEAN", "DATE", "TIME", "DATETIME",
    "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPLTZ", "INTERVAL", "UUID", "UBIGINT", "UINT",
})  # fmt: skip
"""Types that may be cast to; those that look something up (regclass and its kin) are not among them."""
