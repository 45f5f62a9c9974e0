module glink/uploads

go 1.25.0
