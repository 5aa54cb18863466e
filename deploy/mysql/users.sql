-- The three users of the order-status service, and the privileges of the first. Run by the database
-- administrator, with passwords in place of CHANGE_ME_...; for MySQL and MariaDB; idempotent.
--
--   1. users.sql   by the administrator, once
--   2. the service with OMS_ROLE=migrate and OMS_MYSQL_URL=mysql://oms_migrate:...@host:3306,
--      for each new version
--   3. grants.sql  by the administrator, afterwards (a table must exist to grant privileges on it)
--   4. the service with OMS_MYSQL_URL=mysql://oms_service:...@host:3306, and, where a retention
--      period is set, OMS_RETENTION_MYSQL_URL=mysql://oms_retention:...@host:3306
--
-- With OMS_DATABASE_PREFIX, prepend it to the names of the databases. To require TLS (the service
-- uses it with OMS_MYSQL_CA_FILE): alter user 'oms_service'@'%' require ssl.

create user if not exists 'oms_migrate'@'%' identified by 'CHANGE_ME_MIGRATE';
create user if not exists 'oms_service'@'%' identified by 'CHANGE_ME_SERVICE';
create user if not exists 'oms_retention'@'%' identified by 'CHANGE_ME_RETENTION';

-- Creates databases and tables, adds columns and indexes; deletes nothing.
grant create, alter, index, select, insert on `oms_db`.* to 'oms_migrate'@'%';
grant create, alter, index, select, insert on `ordercancel_db`.* to 'oms_migrate'@'%';
grant create, alter, index, select, insert on `wmsindb`.* to 'oms_migrate'@'%';
