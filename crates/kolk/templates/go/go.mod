module kolkproject

go 1.19
