module flywheel/tools/versitygw

go 1.26.8

tool github.com/versity/versitygw/cmd/versitygw

require github.com/versity/versitygw v1.8.0
