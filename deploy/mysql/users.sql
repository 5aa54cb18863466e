-- The two users of the order-status service, and what the first of them needs. Run once by the database's administrator,
-- with passwords of your own in place of CHANGE_ME_...; works on MySQL 8 and MariaDB 10.11, and can be repeated.
--
--   1. users.sql   by the administrator, once
--   2. the service with OMS_ROLE=migrate and OMS_MYSQL_URL=mysql://oms_migrate:...@host:3306, at each new version
--   3. grants.sql  by the administrator, after it (rights to a table can be given only when it is there)
--   4. the service with OMS_MYSQL_URL=mysql://oms_service:...@host:3306
--
-- Where OMS_DATABASE_PREFIX is set, it stands before each database's name here too. To have the server insist on TLS (the
-- service speaks it where OMS_MYSQL_CA_FILE is set): alter user 'oms_service'@'%' require ssl.

create user if not exists 'oms_migrate'@'%' identified by 'CHANGE_ME_MIGRATE';
create user if not exists 'oms_service'@'%' identified by 'CHANGE_ME_SERVICE';

-- Makes the databases and tables that are missing, and adds columns and indexes; it deletes nothing.
grant create, alter, index, select, insert on `oms_db`.* to 'oms_migrate'@'%';
grant create, alter, index, select, insert on `ordercancel_db`.* to 'oms_migrate'@'%';
grant create, alter, index, select, insert on `wmsindb`.* to 'oms_migrate'@'%';
