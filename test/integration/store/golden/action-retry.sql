begin;
update `oms_db`.`oms_action_ledger` set `state` = 'RETRYING', `next_attempt_time` = <time>, `attempts_finished` = 1, `last_error` = 'connection refused' where `id` = <entry> and `attempts_started` = 1 and `state` in ('PENDING', 'RETRYING');
commit;
