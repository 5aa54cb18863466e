-- round trip 1
start transaction;
select s.order_id, s.order_status, s.is_pause, s.is_finish, s.version, s.passed_states, s.status_time, s.warehouse_count, m.root_parent_id, m.is_parent, m.order_source, m.order_type from `oms_db`.`oms_order_status` s force index (`PRIMARY`) straight_join `oms_db`.`oms_order_main` m force index (`PRIMARY`) on m.order_id = s.order_id where s.order_id in (<order>) order by s.order_id for update skip locked;
select request_id, digest, answer from `oms_db`.`oms_request` where request_id in ('pay-1');
-- round trip 2
update `oms_db`.`oms_order_status` s force index (`PRIMARY`) set s.order_status = 1010, s.is_pause = 0, s.is_finish = 0, s.version = 1, s.passed_states = 3, s.status_time = <time>, s.update_date = <time> where s.order_id = <order>;
update `oms_db`.`oms_order_main` set is_payed = 1, update_date = <time> where order_id in (<order>);
insert into `oms_db`.`oms_status_history` (order_id,version,from_status,to_status,outcome,occur_time,record_time,caller,operator,request_id,remark,traceparent,authenticated_operator) values (<order>,1,1000,1010,'APPLIED',<time>,<time>,'wms','li','pay-1','paid in full','00-aa-bb-01','li.wei');
insert into `oms_db`.`oms_outbox` (message_id,order_id,subject,event_type,body,record_time,traceparent) values ('<order>-1',<order>,'test.status-changed','test.status-changed.v1',x'<body>',<time>,'00-aa-bb-01');
set @oms_outbox_id = last_insert_id();
insert into `oms_db`.`oms_action_ledger` (message_id, action, order_id, outbox_id, state, next_attempt_time, first_time) values ('<order>-1','first-action',<order>,@oms_outbox_id+0,'PENDING',<time>,<time>),('<order>-1','second-action',<order>,@oms_outbox_id+0,'PENDING',<time>,<time>) on duplicate key update message_id = message_id;
insert into `oms_db`.`oms_request` (request_id,digest,answer,order_id,record_time) values ('pay-1',x'<digest>','[\"applied\",\"<order>\",1010,1,\"<order>-1\"]',<order>,<time>);
commit;
select @oms_outbox_id as id;
