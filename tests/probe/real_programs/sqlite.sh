#!/bin/sh
exec sqlite3 :memory: "
create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) insert into t select i, hex(i * 7919) from n;
select count(*), sum(length(b)), max(b) from t;
select b, count(*) from t group by length(b);"
