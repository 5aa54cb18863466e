begin;
update `oms_db`.`oms_action_ledger` set `state` = 'PARKED', `next_attempt_time` = NULL, `finish_time` = <time>, `attempts_finished` = 1, `last_error` = 'rejected by the external system' where `id` = <entry> and `attempts_started` = 1 and `state` in ('PENDING', 'RETRYING');
commit;
