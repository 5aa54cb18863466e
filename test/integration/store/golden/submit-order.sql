-- round trip 1
start transaction;
select order_id from `oms_db`.`oms_order_main` where order_id in (<order>);
select request_id, digest, answer from `oms_db`.`oms_request` where request_id in ('submit-1');
-- round trip 2
insert into `oms_db`.`oms_order_status` (order_id,order_status,is_pause,is_finish,create_date,update_date,version,passed_states,status_time,warehouse_count) values (<order>,1000,0,0,<time>,<time>,1,1,<time>,2);
insert into `oms_db`.`oms_order_main` (order_id,parent_id,root_parent_id,is_parent,order_source,order_type,is_payed,create_date,update_date,recharge_account) values (<order>,0,<order>,0,1000,1,0,<time>,<time>,null);
insert into `oms_db`.`oms_order_line` (order_id,warehouse_id,sku_id,quantity) values (<order>,1,7,1),(<order>,2,7,2);
insert into `oms_db`.`oms_order_detail` (order_id,sku_id,quantity) values (<order>,7,3);
insert into `oms_db`.`oms_order_invoice` (order_id,invoice_title,invoice_content,invoice_tax_payer_code,invoice_email) values (<order>,'Li\'s shop','','','li@example.com');
insert into `oms_db`.`oms_status_history` (order_id,version,from_status,to_status,outcome,occur_time,record_time,caller,operator,request_id,remark,traceparent,authenticated_operator) values (<order>,1,0,1000,'APPLIED',<time>,<time>,'wms','li','submit-1','','00-aa-bb-01','li.wei');
insert into `oms_db`.`oms_outbox` (message_id,order_id,subject,event_type,body,record_time,traceparent) values ('<order>-1',<order>,'test.status-changed','test.status-changed.v1',x'<body>',<time>,'00-aa-bb-01');
set @oms_outbox_id = last_insert_id();
insert into `oms_db`.`oms_action_ledger` (message_id, action, order_id, outbox_id, state, next_attempt_time, first_time) values ('<order>-1','first-action',<order>,@oms_outbox_id+0,'PENDING',<time>,<time>),('<order>-1','second-action',<order>,@oms_outbox_id+0,'PENDING',<time>,<time>) on duplicate key update message_id = message_id;
insert into `oms_db`.`oms_request` (request_id,digest,answer,order_id,record_time) values ('submit-1',x'<digest>','{\"orderId\":\"<order>\"}',<order>,<time>);
commit;
select @oms_outbox_id as id;
